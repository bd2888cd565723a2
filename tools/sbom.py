"""The software bills of materials of the images: for each function, what its binary links and what else is in its
image.

CycloneDX 1.6, as JSON. The crates come from cargo's own resolver, for the target of the images and with all six
functions together, as the Dockerfile builds them. `cargo metadata`, which other tools use, knows neither the features
of one target nor that tests and measurements, which are members of the workspace too, are not built.
"""

import hashlib
import json
import re
import subprocess
import uuid
from pathlib import Path

from . import handlers, paths
from .problem import Problem

TARGET = "aarch64-unknown-linux-gnu"
DIRECTORY = paths.ROOT / "target" / "sbom"

# Linked dependencies: without procedural macros, which run in the compiler.
LINKED = "normal,no-proc-macro"
# Dependencies of the build.
BUILT = "normal,build"

REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


def write() -> list:
    """Writes the bill of each function. Returns the paths."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    written = []
    for name, bill in bills().items():
        path = DIRECTORY / f"{name}.cdx.json"
        path.write_text(json.dumps(bill, indent=2, ensure_ascii=False) + "\n")
        written.append(path)
    return written


def bills() -> dict:
    """The bill of each function. The same sources give the same bills."""
    packages = _packages()
    linked, built = _edges(LINKED), _edges(BUILT)
    return {name: _bill(name, packages, linked, built) for name in handlers.NAMES}


def _cargo(*arguments: str) -> str:
    try:
        done = subprocess.run(["cargo", *arguments], cwd=paths.ROOT, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise Problem("cargo was not found. Install Rust: https://rustup.rs") from error
    if done.returncode != 0:
        raise Problem(f"cargo {' '.join(arguments)} failed:\n{done.stderr.strip()}")
    return done.stdout


def _packages() -> dict:
    """The metadata of each package of the workspace, by name and version."""
    known = json.loads(_cargo("metadata", "--format-version=1", "--locked"))["packages"]
    checksums = _checksums((paths.ROOT / "Cargo.lock").read_text())
    packages = {}
    for package in known:
        key = (package["name"], package["version"])
        packages[key] = {**package, "checksum": checksums.get(key)}
    return packages


def _checksums(lock: str) -> dict:
    """The SHA-256 of each crate's archive, from the lock file."""
    entry = re.compile(r'name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "([0-9a-f]{64})"')
    return {(name, version): checksum for name, version, checksum in entry.findall(lock)}


def _edges(kinds: str) -> dict:
    """The dependencies of these kinds of each package."""
    selection = [f"--package={name}" for name in handlers.NAMES]
    options = ["--locked", f"--target={TARGET}", f"--edges={kinds}", "--prefix=depth", "--format= {p}"]
    edges, above = {}, []
    for line in _cargo("tree", *selection, *options).splitlines():
        if not line:
            continue
        depth, name, version = re.match(r"(\d+) (\S+) v(\S+)", line).groups()
        package = (name, version)
        # A repeated package has no dependencies in the output; they are known by then.
        edges.setdefault(package, set())
        del above[int(depth) :]
        if above:
            edges[above[-1]].add(package)
        above.append(package)
    return edges


def _reached(edges: dict, root: tuple) -> set:
    found, waiting = set(), [root]
    while waiting:
        package = waiting.pop()
        if package not in found:
            found.add(package)
            waiting.extend(edges.get(package, ()))
    return found


def _bill(name: str, packages: dict, linked: dict, built: dict) -> dict:
    root = next(package for package in linked if package[0] == name)
    in_binary = _reached(linked, root)
    only_built = _reached(built, root) - in_binary
    crates = [_crate(packages[package], "required") for package in sorted(in_binary - {root})]
    # CycloneDX's scope for components that are not part of the product.
    crates += [_crate(packages[package], "excluded") for package in sorted(only_built)]
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {**_crate(packages[root], None), "type": "application"},
            "properties": [{"name": "target", "value": TARGET}],
        },
        "components": [_base_image(), _standard_library(), *crates],
        "dependencies": _dependencies(root, in_binary, linked, packages),
    }
    # From the content, so that a different bill has a different number.
    bill["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bill, sort_keys=True))}"
    return bill


def _crate(package: dict, scope) -> dict:
    """A crate as a component."""
    purl = _reference(package)
    component = {
        "type": "library",
        "bom-ref": purl,
        "name": package["name"],
        "version": package["version"],
        "purl": purl,
        "licenses": [{"expression": _license(package)}],
    }
    if scope:
        component["scope"] = scope
    if package["checksum"]:
        component["hashes"] = [{"alg": "SHA-256", "content": package["checksum"]}]
    if package["description"]:
        component["description"] = " ".join(package["description"].split())
    if package["repository"]:
        component["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return component


def _reference(package: dict) -> str:
    if package["source"] not in (None, REGISTRY):
        raise Problem(f"{package['name']} comes from {package['source']}, which a bill cannot refer to; see deny.toml.")
    return f"pkg:cargo/{package['name']}@{package['version']}"


def _license(package: dict) -> str:
    """The license in SPDX form. Some crates still write a slash, which cargo once allowed and which means OR."""
    if not package["license"]:
        raise Problem(f"{package['name']} {package['version']} names no license; see deny.toml.")
    return re.sub(r"\s*/\s*", " OR ", package["license"])


def _dependencies(root: tuple, in_binary: set, linked: dict, packages: dict) -> list:
    def reference(package):
        return _reference(packages[package])

    beside = ["base-image", "rust-std"]
    rows = []
    for package in sorted(in_binary):
        needs = sorted(reference(needed) for needed in linked.get(package, ()))
        rows.append({"ref": reference(package), "dependsOn": (beside if package == root else []) + needs})
    return rows + [{"ref": ref} for ref in beside]


def _base_image() -> dict:
    """The base image of the last stage of the Dockerfile: by its digest if the Dockerfile has one, else by its tag."""
    dockerfile = (paths.ROOT / "Dockerfile").read_text()
    image = re.findall(r"^FROM (?:--\S+ )?(\S+)", dockerfile, re.MULTILINE)[-1]
    image, _, digest = image.partition("@")
    repository, _, tag = image.partition(":")
    name = repository.rsplit("/", 1)[-1]
    at = f"@{digest.replace(':', '%3A')}" if digest else ""
    component = {
        "type": "container",
        "bom-ref": "base-image",
        "name": repository,
        "version": digest or tag,
        "purl": f"pkg:oci/{name}{at}?arch=arm64&repository_url={repository}&tag={tag}",
    }
    if not digest:
        component["description"] = "The tag moves with patches: the digest of the image identifies it."
    return component


def _standard_library() -> dict:
    """Rust's standard library, which every binary links and no lock file names."""
    version = re.search(r'channel = "(.+)"', (paths.ROOT / "rust-toolchain.toml").read_text())[1]
    return {
        "type": "library",
        "bom-ref": "rust-std",
        "name": "rust-std",
        "version": version,
        "purl": f"pkg:generic/rust-std@{version}",
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "scope": "required",
    }
