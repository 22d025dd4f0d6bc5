"""Certificates and kubeconfigs of one cluster, by the openssl program: one call each, EC keys."""

import base64
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localkube.errors import LocalkubeError

_DAYS = "3650"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The files of a certificate and its private key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that lives in one folder."""

    folder: Path

    @property
    def pair(self) -> KeyPair:
        """Return the authority's own certificate and key."""
        return self._files("ca")

    def create(self) -> None:
        """Make the authority's key and self-signed certificate."""
        self.folder.mkdir(mode=0o700, parents=True)
        extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
        _request("/CN=localkube", self.pair, extensions)

    def issue(
        self, name: str, *, user: str, groups: Sequence[str] = (), addresses: Sequence[str] = ()
    ) -> KeyPair:
        """Issue a certificate for a user of the API, and for a server where addresses are given.

        `addresses` are subject alternative names as openssl writes them: `IP:…` or `DNS:…`.
        """
        subject = "".join(f"/O={group}" for group in groups) + f"/CN={user}"
        usages = ["clientAuth", *(["serverAuth"] if addresses else [])]
        extensions = [
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature",
            f"extendedKeyUsage={','.join(usages)}",
            *([f"subjectAltName={','.join(addresses)}"] if addresses else []),
        ]
        _request(subject, self._files(name), extensions, signer=self.pair)
        return self._files(name)

    def create_signing_key(self, name: str) -> KeyPair:
        """Make a bare key pair, as for service account tokens."""
        pair = KeyPair(self.folder / f"{name}.pub", self.folder / f"{name}.key")
        _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(pair.key))
        _openssl("ec", "-in", str(pair.key), "-pubout", "-out", str(pair.certificate))
        return pair

    def write_kubeconfig(self, path: Path, *, server: str, client: KeyPair) -> Path:
        """Write a kubeconfig that holds its certificates, so that it can be copied away."""
        context = {"cluster": "localkube", "user": "localkube"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "localkube",
                    "cluster": {
                        "server": server,
                        "certificate-authority-data": _encoded(self.pair.certificate),
                    },
                }
            ],
            "users": [
                {
                    "name": "localkube",
                    "user": {
                        "client-certificate-data": _encoded(client.certificate),
                        "client-key-data": _encoded(client.key),
                    },
                }
            ],
            "contexts": [{"name": "localkube", "context": context}],
            "current-context": "localkube",
        }
        # JSON is YAML, so every reader of kubeconfigs takes it.
        path.touch(mode=0o600)
        path.write_text(json.dumps(config, indent=2) + "\n")
        return path

    def _files(self, name: str) -> KeyPair:
        return KeyPair(self.folder / f"{name}.crt", self.folder / f"{name}.key")


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def _request(
    subject: str, target: KeyPair, extensions: Sequence[str], *, signer: KeyPair | None = None
) -> None:
    issuer = ["-CA", str(signer.certificate), "-CAkey", str(signer.key)] if signer else []
    _openssl(
        *["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
        *["-config", "/dev/null", "-subj", subject, "-days", _DAYS],
        *["-keyout", str(target.key), "-out", str(target.certificate)],
        *issuer,
        *(word for extension in extensions for word in ("-addext", extension)),
    )


def _openssl(*arguments: str) -> None:
    try:
        subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True)
    except FileNotFoundError as missing:
        raise LocalkubeError("openssl (3.0 or newer) is needed to make certificates") from missing
    except subprocess.CalledProcessError as failed:
        raise LocalkubeError(f"openssl {arguments[0]} failed: {failed.stderr}") from failed
