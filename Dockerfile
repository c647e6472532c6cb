# The hub, and nothing else but the certificates that it trusts and a wget for
# the health check. It writes no file: run it read-only.
ARG GO_VERSION=1.26

FROM golang:${GO_VERSION}-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/passerelle ./cmd/passerelle

FROM busybox:1.37.0-musl AS busybox

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=busybox /bin/busybox /bin/wget
COPY --from=build /out/passerelle /bin/passerelle
USER 65532:65532
ENV PASSERELLE_LISTEN=0.0.0.0:8080
EXPOSE 8080
ENTRYPOINT ["/bin/passerelle"]
CMD ["serve"]
