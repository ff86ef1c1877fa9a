"""Large files through boto3's transfer manager: parts in parallel, checksums on, streams of unknown length."""

import hashlib
import io

from boto3.s3.transfer import TransferConfig
from common import client, versioned_bucket

PART = 5 * 1024 * 1024
CONFIG = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4)


class Stream(io.RawIOBase):
    """A body that can't be rewound and doesn't tell its length."""

    def __init__(self, body):
        self.body = io.BytesIO(body)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self.body.readinto(buffer)


def main():
    bucket = versioned_bucket()
    s3 = client()
    block = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(256))
    body = (block * (4 * PART // len(block) + 1))[: 3 * PART + 12345]

    # Others need a package that is not a part of boto3; Amazon's SDK for Rust tests them.
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        extra = {"ChecksumAlgorithm": algorithm}
        s3.upload_fileobj(io.BytesIO(body), bucket.name, "large", Config=CONFIG, ExtraArgs=extra)
        head = s3.head_object(Bucket=bucket.name, Key="large", ChecksumMode="ENABLED")
        assert head["ContentLength"] == len(body)
        assert head["ETag"].endswith('-4"'), head["ETag"]
        down = io.BytesIO()
        s3.download_fileobj(bucket.name, "large", down, Config=CONFIG)
        assert down.getvalue() == body, algorithm

    s3.upload_fileobj(Stream(body), bucket.name, "stream", Config=CONFIG)
    assert s3.get_object(Bucket=bucket.name, Key="stream")["Body"].read() == body

    s3.copy({"Bucket": bucket.name, "Key": "large"}, bucket.name, "copy", Config=CONFIG)
    assert s3.get_object(Bucket=bucket.name, Key="copy")["Body"].read() == body

    small = s3.put_object(Bucket=bucket.name, Key="small", Body=b"12345", ChecksumAlgorithm="SHA256")
    assert small["ChecksumSHA256"] == "WZRHGrsBESr8wYFZ9sx0tPURuZgG2lmzyvWpwXPKz8U="
    assert s3.get_object(Bucket=bucket.name, Key="small", ChecksumMode="ENABLED")["Body"].read() == b"12345"
    print("ok")


main()
