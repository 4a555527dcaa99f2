"""The bill of materials: every crate in the program, in the form of CycloneDX."""

from __future__ import annotations

import json
import subprocess
import tomllib
import uuid
from datetime import UTC, datetime
from typing import Any

from .files import sha256
from .project import NAME, ROOT, Project

Json = dict[str, Any]

# Fixed, so that the same content has the same serial number.
NAMESPACE = uuid.UUID("6f1a8f52-3d0b-5c0e-9a37-0f1f5f6b8c11")


def bill_of_materials(project: Project) -> bytes:
    lock = (ROOT / "Cargo.lock").read_bytes()
    serial = uuid.uuid5(NAMESPACE, f"{project.version} {sha256(lock)}")
    crates = shipped(cargo_metadata())
    checksums = {
        (it["name"], it["version"]): it.get("checksum")
        for it in tomllib.loads(lock.decode())["package"]
    }
    root = component(project.version, NAME, project.license, None) | {"type": "application"}
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(project.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": root,
        },
        "components": [
            component(
                it["version"], it["name"], it["license"], checksums[it["name"], it["version"]]
            )
            for it in crates.values()
            if it["name"] != NAME
        ],
        "dependencies": [
            {"ref": reference(it["name"], it["version"]), "dependsOn": sorted(it["needs"])}
            for it in crates.values()
        ],
    }
    return (json.dumps(bill, indent=2, ensure_ascii=False) + "\n").encode()


def cargo_metadata() -> Json:
    command = ["cargo", "metadata", "--locked", "--format-version=1"]
    said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    metadata: Json = json.loads(said)
    return metadata


def shipped(metadata: Json) -> dict[str, Json]:
    """The crates that a program for any platform is built from, without those of the tests."""
    packages = {it["id"]: it for it in metadata["packages"]}
    nodes = {it["id"]: it for it in metadata["resolve"]["nodes"]}
    crates: dict[str, Json] = {}
    waiting = [metadata["resolve"]["root"]]
    while waiting:
        identity = waiting.pop()
        if identity in crates:
            continue
        needed = [
            it["pkg"]
            for it in nodes[identity]["deps"]
            if any(kind["kind"] != "dev" for kind in it["dep_kinds"])
        ]
        package = packages[identity]
        crates[identity] = {
            "name": package["name"],
            "version": package["version"],
            "license": package["license"],
            "needs": {reference(packages[it]["name"], packages[it]["version"]) for it in needed},
        }
        waiting += needed
    return dict(sorted(crates.items(), key=lambda item: (item[1]["name"], item[1]["version"])))


def reference(name: str, version: str) -> str:
    return f"pkg:cargo/{name}@{version}"


def component(version: str, name: str, licence: str | None, checksum: str | None) -> Json:
    fields: Json = {
        "type": "library",
        "bom-ref": reference(name, version),
        "name": name,
        "version": version,
        "purl": reference(name, version),
    }
    if licence is not None:
        fields["licenses"] = [{"expression": licence.replace("/", " OR ")}]
    if checksum is not None:
        fields["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return fields
