# One image for each function, all from one compilation. `sam build` sets FUNCTION, which only the last stage uses, so that
# all functions share the layers before it.

# The compiler runs on the architecture of the build machine and cross-compiles for arm64: nothing is emulated.
FROM --platform=$BUILDPLATFORM ghcr.io/cargo-lambda/cargo-lambda:1.9.2 AS builder
WORKDIR /build

# The compiler that the repository pins, in a layer of its own. For an image without rustup, rust-version in Cargo.toml
# checks the compiler.
COPY rust-toolchain.toml ./
RUN if command -v rustup; then rustup toolchain install && rustup target add aarch64-unknown-linux-gnu; fi

# The dependencies, built with the manifests and empty sources, so that this layer changes only with them and the lock file.
COPY Cargo.toml Cargo.lock ./
COPY domain/Cargo.toml domain/
COPY adapters/Cargo.toml adapters/
COPY api/Cargo.toml api/
COPY functions/csv-validator/Cargo.toml functions/csv-validator/
COPY functions/data-transformer/Cargo.toml functions/data-transformer/
COPY functions/notification-sender/Cargo.toml functions/notification-sender/
COPY functions/webhook-validator/Cargo.toml functions/webhook-validator/
COPY functions/fraud-detector/Cargo.toml functions/fraud-detector/
COPY functions/transaction-archival/Cargo.toml functions/transaction-archival/
# Tests, benchmarks and the command line are not built, but they are members of the workspace, without which its lock file
# would not match.
COPY tests/Cargo.toml tests/
COPY txn/Cargo.toml txn/
COPY bench/startup/Cargo.toml bench/startup/
COPY bench/import/Cargo.toml bench/import/
COPY bench/large-file/Cargo.toml bench/large-file/
COPY bench/stubs/Cargo.toml bench/stubs/
COPY bench/latency/Cargo.toml bench/latency/
COPY bench/validation/Cargo.toml bench/validation/
ARG PACKAGES="-p csv-validator -p data-transformer -p notification-sender -p webhook-validator -p fraud-detector -p transaction-archival"
RUN for member in domain adapters api functions/* bench/stubs; do mkdir -p $member/src && touch $member/src/lib.rs; done \
 && for binary in functions/* bench/* txn; do mkdir -p $binary/src && echo 'fn main() {}' > $binary/src/main.rs; done \
 && touch tests/main.rs \
 && mkdir -p txn/tests/offline txn/tests/cloud && touch txn/tests/offline/main.rs txn/tests/cloud/main.rs \
 && cargo lambda build --release --arm64 --locked $PACKAGES

COPY domain domain
COPY adapters adapters
COPY api api
COPY functions functions
# Embedded in the binaries.
COPY openapi openapi
COPY page page
# Cargo compares modification times, and a source may be older than its empty placeholder.
RUN find domain adapters api functions -name '*.rs' -exec touch {} + \
 && cargo lambda build --release --arm64 --locked $PACKAGES

# The functions call AWS alone. With fewer root certificates they start faster and trust less:
# https://www.amazontrust.com/repository/
RUN cd /usr/share/ca-certificates/mozilla \
 && cat Amazon_Root_CA_1.crt Amazon_Root_CA_2.crt Amazon_Root_CA_3.crt Amazon_Root_CA_4.crt \
        Starfield_Services_Root_Certificate_Authority_-_G2.crt > /build/amazon-roots.pem

FROM public.ecr.aws/lambda/provided:al2023-arm64
ARG FUNCTION
# The release profile strips the binary.
COPY --from=builder /build/target/lambda/${FUNCTION}/bootstrap /var/runtime/bootstrap
COPY --from=builder /build/amazon-roots.pem /var/task/amazon-roots.pem
ENV SSL_CERT_FILE=/var/task/amazon-roots.pem
# Keeps the memory of an event for the next one. To free and to fault it in again costs a tenth of the processor time of an
# upload, and no other process could use it meanwhile.
ENV MALLOC_TRIM_THRESHOLD_=134217728 MALLOC_MMAP_THRESHOLD_=33554432
# The base image requires a handler name, which a custom runtime does not use.
CMD ["bootstrap"]
