# Two images from one build, both without a shell and not root:
#   docker build --target manifestd      -t manifestd .        the binary and CA certificates
#   docker build --target manifestd-exec -t manifestd-exec .   also the real helm and kustomize, for the exec engine

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --profile dist --locked
# The files of the final image: the binary, the shared libraries it is linked with, CA certificates, one user.
RUN set -eu; root=/rootfs; \
    mkdir -p $root/usr/local/bin $root/etc/ssl/certs $root/var/lib/manifestd; \
    cp target/dist/manifestd $root/usr/local/bin/; \
    ldd target/dist/manifestd | grep -o '/[^ ]*' | xargs -I{} cp --parents -L {} $root; \
    cp -L /etc/ssl/certs/ca-certificates.crt $root/etc/ssl/certs/; \
    echo 'manifestd:x:65532:65532::/var/lib/manifestd:/nonexistent' > $root/etc/passwd; \
    echo 'manifestd:x:65532:' > $root/etc/group; \
    echo 'hosts: files dns' > $root/etc/nsswitch.conf; \
    install -d -m 1777 $root/tmp; \
    chown -R 65532:65532 $root/var/lib/manifestd

FROM golang:1.26-bookworm AS engines
ENV CGO_ENABLED=0 GOBIN=/out
RUN go install helm.sh/helm/v4/cmd/helm@v4.3.2 && go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1

FROM scratch AS manifestd
COPY --from=build /rootfs /
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt MANIFESTD_DATA_DIR=/var/lib/manifestd
USER 65532:65532
EXPOSE 8081 8084
ENTRYPOINT ["/usr/local/bin/manifestd"]
CMD ["serve", "--listen", "0.0.0.0:8081", "--metrics-listen", "0.0.0.0:8084"]

FROM manifestd AS manifestd-exec
COPY --from=engines /out/helm /out/kustomize /usr/local/bin/
ENV MANIFESTD_HELM_PROGRAM=/usr/local/bin/helm MANIFESTD_KUSTOMIZE_PROGRAM=/usr/local/bin/kustomize
