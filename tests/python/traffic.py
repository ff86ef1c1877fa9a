"""Writes and reads through one endpoint until its standard input ends, with boto3's own retries.

Tells as JSON what its clients noticed: requests that failed for good, requests that were retried, the longest time in
which nothing was answered, and acknowledged versions that are not there at the end.
"""

import json
import sys
import threading
import time

import boto3
from botocore.config import Config

CONFIG = Config(s3={"addressing_style": "path"})
WORKERS = 6
# In the index, and a blob on the nodes' disks.
SIZES = (1000, 100_000)


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.requests = 0
        self.retried = 0
        self.attempts = 0
        self.errors = []
        self.answered = []
        self.slowest = 0.0
        self.versions = set()

    def call(self, function, **arguments):
        """Makes a call and notes how it went; its response, or None."""
        begun = time.monotonic()
        try:
            response = function(**arguments)
        except Exception as error:  # Whatever it is, a user would see it.
            with self.lock:
                self.errors.append(f"{function.__name__} after {time.monotonic() - begun:.1f} s: {error!r}")
            return None
        retries = response["ResponseMetadata"]["RetryAttempts"]
        now = time.monotonic()
        with self.lock:
            self.requests += 1
            self.retried += retries > 0
            self.attempts += 1 + retries
            self.answered.append(now)
            self.slowest = max(self.slowest, now - begun)
        return response

    def wrong(self, what):
        with self.lock:
            self.errors.append(what)


def work(number, bucket, tally, begin, stop):
    # To make a client takes seconds on a machine that is busy, and says nothing of the endpoint.
    s3 = boto3.session.Session().client("s3", config=CONFIG)
    begin.wait()
    turn = 0
    while not stop.is_set():
        turn += 1
        key = f"worker-{number}/{turn % 5}"
        body = f"{number} {turn} ".encode().ljust(SIZES[turn % len(SIZES)], b".")
        put = tally.call(s3.put_object, Bucket=bucket, Key=key, Body=body)
        if put is None:
            continue
        with tally.lock:
            tally.versions.add((key, put["VersionId"]))
        # Nobody else writes this key, so what was acknowledged is what is read.
        got = tally.call(s3.get_object, Bucket=bucket, Key=key)
        if got is None:
            continue
        read = got["Body"].read()
        if read != body:
            tally.wrong(f"{key}: wrote {body[:20]!r}, then read {read[:20]!r}")


def listed(s3, bucket):
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    return {(row["Key"], row["VersionId"]) for page in pages for row in page.get("Versions", [])}


def main():
    bucket = sys.argv[1]
    s3 = boto3.client("s3", config=CONFIG)
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    tally, begin, stop = Tally(), threading.Barrier(WORKERS + 1), threading.Event()
    arguments = (bucket, tally, begin, stop)
    workers = [threading.Thread(target=work, args=(number, *arguments)) for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    begin.wait()
    print("begun", flush=True)
    sys.stdin.read()
    stop.set()
    for worker in workers:
        worker.join()
    there = listed(s3, bucket)
    gaps = [after - before for before, after in zip(tally.answered, tally.answered[1:])]
    print(json.dumps({
        "retry_mode": s3.meta.config.retries["mode"],
        "requests": tally.requests,
        "retried": tally.retried,
        "attempts": tally.attempts,
        "errors": tally.errors,
        "longest_gap_seconds": max(gaps, default=0.0),
        "slowest_seconds": tally.slowest,
        "acknowledged": len(tally.versions),
        "lost": sorted(tally.versions - there),
        "unacknowledged": len(there - tally.versions),
    }))


main()
