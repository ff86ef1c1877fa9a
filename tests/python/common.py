"""What the scripts share: a client from the environment, a bucket from the command line."""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CONFIG = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})


def versioned_bucket():
    """A new bucket with versioning enabled."""
    s3 = boto3.resource("s3", config=CONFIG)
    bucket = s3.create_bucket(Bucket=sys.argv[1])
    bucket.Versioning().enable()
    return bucket


def client():
    return boto3.client("s3", config=CONFIG)


def body_of(thing):
    return thing.get()["Body"].read()


def fails(code, call, **arguments):
    """Asserts that a call fails with this S3 error code; returns the response."""
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response
    raise AssertionError(f"expected {code}")
