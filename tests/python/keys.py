"""Keys that need care come back as they went, through every operation and through lists."""

from common import body_of, client, versioned_bucket

KEYS = [
    " ", "a b", " leading", "trailing ", "a+b", "a%20b", "%", "%%", "100%", "/", "//", "/leading", "trailing/",
    "a//b", ".", "..", "../up", "a/../b", "./a", "ü", "u\u0308", "日本語", "\U0001f600", "&", "<a>", "\"", "'", "a?b",
    "a#b", "a;b=c", "a\\b", "~", "*", "null", "k?versionId=null", "tab\t", "line\nfeed", "return\r", "\x01", "\x7f",
    "k" * 1024, "ü" * 512,
]


def main():
    bucket = versioned_bucket()
    s3 = client()
    for key in KEYS:
        bucket.Object(key).put(Body=key.encode())
    for key in KEYS:
        assert body_of(bucket.Object(key)) == key.encode(), key

    # boto3 asks for encoding-type=url and decodes it itself.
    in_order = sorted(KEYS, key=lambda key: key.encode())
    assert [item.key for item in bucket.objects.all()] == in_order
    assert [item.object_key for item in bucket.object_versions.all()] == in_order
    assert [item.key for item in bucket.objects.page_size(3)] == in_order
    for key in KEYS:
        found = [item.key for item in bucket.objects.filter(Prefix=key)]
        assert key in found and all(name.startswith(key) for name in found), key

    for key in KEYS:
        s3.copy_object(Bucket=bucket.name, Key="copy", CopySource={"Bucket": bucket.name, "Key": key})
        assert body_of(bucket.Object("copy")) == key.encode(), key
    s3.delete_object(Bucket=bucket.name, Key="copy")

    # XML has no way to write this one, so no document can name it.
    s3.delete_object(Bucket=bucket.name, Key="\x01")
    named = [key for key in KEYS if key != "\x01"]
    deleted = s3.delete_objects(Bucket=bucket.name, Delete={"Objects": [{"Key": key} for key in named]})
    assert sorted(item["Key"] for item in deleted["Deleted"]) == sorted(named)
    assert "Errors" not in deleted
    assert list(bucket.objects.all()) == []
    print("ok")


main()
