"""Rolls objects back the way Amazon's code examples do: by deleting every version newer than the chosen one.

The order that decides what is newer is that of LastModified. Writes and deletes come as fast as they can, so
a server whose times tie, or are truncated to seconds, rolls back to the wrong version.
"""

from operator import attrgetter

from common import body_of, fails, versioned_bucket

KEY = "data/report.txt"


def rollback_object(bucket, key, version_id):
    versions = sorted(
        bucket.object_versions.filter(Prefix=key), key=attrgetter("last_modified"), reverse=True
    )
    assert version_id in [version.version_id for version in versions], version_id
    for version in versions:
        if version.version_id == version_id:
            break
        version.delete()
    return bucket.Object(key)


def write_history(bucket, key, count):
    """Writes versions with delete markers between them; returns (version id, body) of each version."""
    written = []
    for number in range(count):
        body = f"version {number}".encode()
        written.append((bucket.Object(key).put(Body=body)["VersionId"], body))
        if number % 3 == 2:
            bucket.Object(key).delete()
        if number % 10 == 9:
            bucket.Object(key).delete()
    return written


def main():
    bucket = versioned_bucket()
    written = write_history(bucket, KEY, 50)
    fails("NoSuchKey", bucket.Object(KEY).get)

    listed = list(bucket.object_versions.filter(Prefix=KEY))
    assert len(listed) == 50 + 16 + 5, len(listed)
    times = [version.last_modified for version in listed]
    assert len(set(times)) == len(times), "no two versions of a key have the same time"

    # Ever further back; the right one is current each time, and all older ones are untouched.
    for index in (48, 29, 28, 11, 10, 0):
        version_id, body = written[index]
        current = rollback_object(bucket, KEY, version_id)
        reply = current.get()
        assert reply["VersionId"] == version_id, (index, reply["VersionId"])
        assert reply["Body"].read() == body, index
        for older_id, older_body in written[:index]:
            assert body_of(bucket.Object(KEY).Version(older_id)) == older_body
    assert [version.version_id for version in bucket.object_versions.all()] == [written[0][0]]
    print("ok")


main()
