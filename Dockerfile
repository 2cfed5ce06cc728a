# The image of a release: goreleaser puts the static binary of each platform
# under $TARGETPLATFORM. Nothing else is needed but root certificates, and
# distroless/static brings them, an unprivileged user and no shell.
FROM gcr.io/distroless/static-debian12:nonroot
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/sealpost /usr/bin/sealpost
# The database lives in the home of that user (uid 65532): keep it on a volume.
ENV SEALPOST_DATABASE=/home/nonroot/sealpost.db \
    SEALPOST_LISTEN=0.0.0.0:8787
WORKDIR /home/nonroot
VOLUME /home/nonroot
EXPOSE 8787
ENTRYPOINT ["/usr/bin/sealpost"]
CMD ["serve"]
