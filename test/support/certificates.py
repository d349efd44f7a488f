"""A throw-away certificate authority, made with openssl in a directory of the test."""
import os
import ssl
import subprocess


def run(*args, cwd):
    subprocess.run(["openssl", *args], cwd=cwd, check=True, capture_output=True)


def make_authority(directory, name):
    """DIR/NAME.pem and DIR/NAME.key."""
    run(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        f"/CN={name}",
        "-keyout",
        f"{name}.key",
        "-out",
        f"{name}.pem",
        cwd=directory,
    )
    return os.path.join(directory, f"{name}.pem")


def make_certificate(directory, authority, name, names="DNS:localhost,IP:127.0.0.1", days="2"):
    """A server certificate signed by that authority: (certificate path, key path)."""
    run(
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-subj",
        f"/CN={name}",
        "-keyout",
        f"{name}.key",
        "-out",
        f"{name}.csr",
        cwd=directory,
    )
    with open(os.path.join(directory, f"{name}.ext"), "w", encoding="ascii") as f:
        f.write(f"subjectAltName={names}\n")
    run(
        "x509",
        "-req",
        "-in",
        f"{name}.csr",
        "-CA",
        f"{authority}.pem",
        "-CAkey",
        f"{authority}.key",
        "-CAcreateserial",
        "-days",
        days,
        "-extfile",
        f"{name}.ext",
        "-out",
        f"{name}.pem",
        cwd=directory,
    )
    return os.path.join(directory, f"{name}.pem"), os.path.join(directory, f"{name}.key")


def server_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def client_context(authority):
    return ssl.create_default_context(cafile=authority)
