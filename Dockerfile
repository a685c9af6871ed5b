# Spanlink for linux/amd64 and linux/arm64: docker build -t spanlink/spanlink .
# Runs as user 1000 with a read-only root; data is in /data. docs/deploy.md

# The build runs on the builder's own platform: nothing is compiled or emulated for the target.
FROM --platform=$BUILDPLATFORM node:24-slim AS build
ARG TARGETARCH
COPY . /source
RUN /source/deploy/image/build.sh /source /app "$TARGETARCH" && mkdir /data && chmod 700 /data

FROM node:24-slim AS spanlink
LABEL org.opencontainers.image.title="Spanlink" \
  org.opencontainers.image.description="Distributed tracing for Kafka systems" \
  org.opencontainers.image.source="https://github.com/spanlink/spanlink" \
  org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /app /app
COPY --from=build --chown=1000:1000 /data /data
ENV NODE_ENV=production SPANLINK_DATA=/data
USER 1000:1000
VOLUME /data
EXPOSE 4317 4318 4319
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "/app/healthcheck.js"]
ENTRYPOINT ["node", "/app/packages/server/dist/cli/bin.js"]
# Starts only with tokens in /data/tokens.json, or with --insecure-no-auth.
CMD ["serve", "--host", "0.0.0.0"]
