"""Empties a versioned bucket the way every tutorial does, then removes it."""

from common import client, fails, versioned_bucket


def main():
    bucket = versioned_bucket()
    s3 = client()
    for number in range(30):
        bucket.Object(f"k{number % 5}").put(Body=b"x")
    bucket.objects.all().delete()
    assert list(bucket.objects.all()) == []
    assert len(list(bucket.object_versions.all())) == 35, "deletes without an id add markers"
    fails("BucketNotEmpty", bucket.delete)

    bucket.object_versions.all().delete()
    assert list(bucket.object_versions.all()) == []
    bucket.delete()
    fails("404", s3.head_bucket, Bucket=bucket.name)
    print("ok")


main()
