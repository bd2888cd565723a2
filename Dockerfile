# One image for each function, all from one compilation. `sam build` names the function in FUNCTION, which only the last
# stage reads, so that the layers before it are built once and shared by all functions.

# The compiler runs on the processor of the machine that builds, and only its result is for arm64: nothing is emulated.
FROM --platform=$BUILDPLATFORM ghcr.io/cargo-lambda/cargo-lambda:1.9.2 AS builder
WORKDIR /build

# The compiler that the repository pins, in a layer of its own. An image without rustup has one compiler, which
# rust-version in Cargo.toml checks.
COPY rust-toolchain.toml ./
RUN if command -v rustup; then rustup toolchain install && rustup target add aarch64-unknown-linux-gnu; fi

# The dependencies: the manifests with empty sources, so that this layer changes only with a manifest or the lock file.
COPY Cargo.toml Cargo.lock ./
COPY domain/Cargo.toml domain/
COPY adapters/Cargo.toml adapters/
COPY functions/csv-validator/Cargo.toml functions/csv-validator/
COPY functions/data-transformer/Cargo.toml functions/data-transformer/
COPY functions/notification-sender/Cargo.toml functions/notification-sender/
COPY functions/webhook-validator/Cargo.toml functions/webhook-validator/
COPY functions/fraud-detector/Cargo.toml functions/fraud-detector/
COPY functions/transaction-archival/Cargo.toml functions/transaction-archival/
# Tests, measurements and the command line are not built, but are members of the workspace, without which its lock file
# would not fit.
COPY tests/Cargo.toml tests/
COPY txn/Cargo.toml txn/
COPY bench/startup/Cargo.toml bench/startup/
COPY bench/import/Cargo.toml bench/import/
COPY bench/large-file/Cargo.toml bench/large-file/
COPY bench/stubs/Cargo.toml bench/stubs/
COPY bench/latency/Cargo.toml bench/latency/
COPY bench/validation/Cargo.toml bench/validation/
ARG PACKAGES="-p csv-validator -p data-transformer -p notification-sender -p webhook-validator -p fraud-detector -p transaction-archival"
RUN for member in domain adapters functions/* bench/stubs; do mkdir -p $member/src && touch $member/src/lib.rs; done \
 && for binary in functions/* bench/* txn; do mkdir -p $binary/src && echo 'fn main() {}' > $binary/src/main.rs; done \
 && mkdir -p tests/acceptance && touch tests/acceptance/main.rs \
 && mkdir -p txn/tests/offline txn/tests/cloud && touch txn/tests/offline/main.rs txn/tests/cloud/main.rs \
 && cargo lambda build --release --arm64 --locked $PACKAGES

COPY domain domain
COPY adapters adapters
COPY functions functions
# What a function shows to people and programs becomes a part of its binary.
COPY openapi openapi
COPY page page
# Cargo compares times, and a source may be older than the empty file that stood in for it.
RUN find domain adapters functions -name '*.rs' -exec touch {} + \
 && cargo lambda build --release --arm64 --locked $PACKAGES

# The functions speak to AWS alone, and start sooner and safer if they need not read the roots of all the world:
# https://www.amazontrust.com/repository/
RUN cd /usr/share/ca-certificates/mozilla \
 && cat Amazon_Root_CA_1.crt Amazon_Root_CA_2.crt Amazon_Root_CA_3.crt Amazon_Root_CA_4.crt \
        Starfield_Services_Root_Certificate_Authority_-_G2.crt > /build/amazon-roots.pem

FROM public.ecr.aws/lambda/provided:al2023-arm64
ARG FUNCTION
# The release profile has stripped it.
COPY --from=builder /build/target/lambda/${FUNCTION}/bootstrap /var/runtime/bootstrap
COPY --from=builder /build/amazon-roots.pem /var/task/amazon-roots.pem
ENV SSL_CERT_FILE=/var/task/amazon-roots.pem
# What an event took of memory is kept for the next one. To give it back and to take it again, page by page, costs a tenth of
# the processor time of an upload, and nobody else can use it meanwhile.
ENV MALLOC_TRIM_THRESHOLD_=134217728 MALLOC_MMAP_THRESHOLD_=33554432
# The base image asks for the name of a handler, which a custom runtime does not use.
CMD ["bootstrap"]
