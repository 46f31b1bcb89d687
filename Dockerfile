# syntax=docker/dockerfile:1

FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=dev
# TAGS=nowhatsapp leaves linked WhatsApp devices and their GPL-3.0 library out, see NOTICE.
ARG TAGS=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags "$TAGS" -ldflags "-s -w -X main.version=$VERSION" -o /out/switchhook . \
 && mkdir /out/data

# Nothing but certificates, time zones, /tmp and the user nonroot (65532).
FROM gcr.io/distroless/static-debian13:nonroot
LABEL org.opencontainers.image.title="Switchhook" \
      org.opencontainers.image.description="Plugs messaging and social networks into n8n, Zapier and Make" \
      org.opencontainers.image.source="https://github.com/switchhook/switchhook"
COPY --from=build /src/LICENSE /src/NOTICE /
COPY --from=build /out/switchhook /switchhook
# A named volume takes its owner from here; a bind mount must be given to user 65532 by hand.
COPY --from=build --chown=65532:65532 /out/data /data
USER nonroot
ENV HOST=0.0.0.0 DATA_DIR=/data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s --retries=3 CMD ["/switchhook", "healthcheck"]
ENTRYPOINT ["/switchhook"]
CMD ["serve"]
