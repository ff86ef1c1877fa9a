# A base for Esker's image where no image registry can be reached: what the binary loads, picked from a Debian image
# that `debian-image.sh` made, and nothing else. The context holds the binary as `esker`.
#
#   docker build -f deploy/docker/base.Dockerfile --build-arg DEBIAN=IMAGE -t esker-base DIR

ARG DEBIAN
FROM ${DEBIAN} AS debian
COPY esker /tmp/esker
# `ldd` names the loader and each library; what it can't find must not go unnoticed until the image runs.
RUN set -eu; \
    ldd /tmp/esker >/tmp/libraries; \
    if grep 'not found' /tmp/libraries; then exit 1; fi; \
    mkdir -p /base/etc /base/usr/share/doc; \
    grep -o '/[^ ]*' /tmp/libraries | grep -v '^/tmp/' | xargs cp --parents --dereference --target-directory=/base; \
    cp --recursive --parents /usr/share/doc/libc6/copyright /usr/share/doc/libgcc-s1/copyright /base; \
    printf '%s\n' 'root:x:0:0:root:/:/nonexistent' 'nonroot:x:65532:65532:nonroot:/:/nonexistent' >/base/etc/passwd; \
    printf '%s\n' 'root:x:0:' 'nonroot:x:65532:' >/base/etc/group; \
    printf '%s\n' 'hosts: files dns' >/base/etc/nsswitch.conf

FROM scratch
COPY --from=debian /base /
