"""Restores old versions without losing anything: a copy of the old one becomes the newest."""

from common import body_of, client, fails, versioned_bucket


def main():
    bucket = versioned_bucket()
    s3 = client()
    key = "a dir/ü + %.txt"
    ids = [bucket.Object(key).put(Body=f"{n}".encode(), Metadata={"n": f"{n}"})["VersionId"] for n in range(5)]
    bucket.Object(key).delete()
    fails("NoSuchKey", s3.get_object, Bucket=bucket.name, Key=key)

    for n in (0, 3, 1):
        source = {"Bucket": bucket.name, "Key": key, "VersionId": ids[n]}
        reply = s3.copy_object(Bucket=bucket.name, Key=key, CopySource=source)
        assert reply["CopySourceVersionId"] == ids[n]
        assert reply["VersionId"] not in ids
        current = s3.get_object(Bucket=bucket.name, Key=key)
        assert current["VersionId"] == reply["VersionId"]
        assert current["Body"].read() == f"{n}".encode()
        assert current["Metadata"] == {"n": f"{n}"}
    assert len(list(bucket.object_versions.all())) == 5 + 1 + 3

    # The restored object does not depend on the version that it was copied from.
    for version_id in ids:
        bucket.Object(key).Version(version_id).delete()
    assert body_of(bucket.Object(key)) == b"1"

    marker = next(v for v in bucket.object_versions.all() if v.size is None)
    source = {"Bucket": bucket.name, "Key": key, "VersionId": marker.id}
    fails("InvalidRequest", s3.copy_object, Bucket=bucket.name, Key="other", CopySource=source)
    print("ok")


main()
