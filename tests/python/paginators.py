"""Lists in pages of every size hold the same rows."""

from common import client, versioned_bucket


def rows(s3, bucket, size, **arguments):
    found = []
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": size}, **arguments
    )
    for page in pages:
        assert len(page.get("Versions", [])) + len(page.get("DeleteMarkers", [])) <= size
        for kind in ("Versions", "DeleteMarkers"):
            found += [(row["Key"], row["VersionId"], row["IsLatest"], kind) for row in page.get(kind, [])]
    return sorted(found)


def main():
    bucket = versioned_bucket()
    s3 = client()
    for number in range(40):
        key = f"dir{number % 3}/key{number % 7}"
        bucket.Object(key).put(Body=b"x")
        if number % 4 == 0:
            bucket.Object(key).delete()
    everything = rows(s3, bucket.name, 1000)
    assert len(everything) == 50
    assert len({version for _, version, _, _ in everything}) == 50
    keys = {key for key, _, _, _ in everything}
    assert sum(latest for _, _, latest, _ in everything) == len(keys)
    for size in (1, 2, 3, 7, 49, 50, 51):
        assert rows(s3, bucket.name, size) == everything, size
        below = [row for row in everything if row[0].startswith("dir1/")]
        assert rows(s3, bucket.name, size, Prefix="dir1/") == below, size

    for operation in ("list_objects", "list_objects_v2"):
        listed = [item.key for item in bucket.objects.all()]
        for size in (1, 3, 100):
            pages = s3.get_paginator(operation).paginate(Bucket=bucket.name, PaginationConfig={"PageSize": size})
            assert [row["Key"] for page in pages for row in page.get("Contents", [])] == listed, (operation, size)
            folded = s3.get_paginator(operation).paginate(
                Bucket=bucket.name, Delimiter="/", PaginationConfig={"PageSize": size}
            )
            prefixes = [row["Prefix"] for page in folded for row in page.get("CommonPrefixes", [])]
            assert prefixes == ["dir0/", "dir1/", "dir2/"], (operation, size, prefixes)
    print("ok")


main()
