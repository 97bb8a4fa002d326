#!/usr/bin/env python3
"""footman image with the real program, against a registry that is not ours (Debian's docker-registry), with skopeo as the other
client, and the agent of the image at work: that for arm64 under qemu-user.

What the machine lacks is said and not run; with FOOTMAN_TEST_REQUIRE_ALL=1 it fails.
"""
import base64
import hashlib
import io
import json
import os
import pathlib
import pty
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "aws"))
from footman import BIN, PATIENCE, SOURCE, NotRun, Server, check, run_tests

ARM64 = SOURCE / "build/agent-arm64/bin/footman-agent"  # tools/build-agent-arm64
missing = [name for name in ("docker-registry", "skopeo", "qemu-aarch64", "openssl") if not shutil.which(name)]
if not ARM64.exists():
    missing.append(str(ARM64))
if missing:
    print(f"this machine has no {', '.join(missing)}: not run")
    unavailable = missing == [str(ARM64)] and (SOURCE / "build/arm64-unavailable").exists()  # Debian's arm64 packages
    sys.exit(1 if not unavailable and os.environ.get("FOOTMAN_TEST_REQUIRE_ALL") == "1" else 0)

from registry import PASSWORD, USER, ConnectProxy, Registry, make_certificate

FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="footman-image-"))


def find_static_agent():
    """That of this build, or, with sanitizers, which have no static form, what `make test` builds beside it."""
    for program in (BIN / "footman-agent", SOURCE / "build/release/bin/footman-agent-of-tests"):
        if program.exists() and b"ld-linux" not in program.read_bytes()[:4096]:
            return program
    return None


AGENT = find_static_agent()
AMD64 = AGENT or pathlib.Path("/bin/busybox")
BOTH = ("--agent", AMD64, "--agent", ARM64)
SMALL = FOLDER / "small"  # where it does not matter what is in the image: a program's headers
SMALL.write_bytes(struct.pack("<4s5B7x2HI3QI6H", b"\x7fELF", 2, 1, 1, 0, 0, 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0) + struct.pack("<I52x", 1))
NOBODY = {"HOME": str(FOLDER / "nobody")}  # has no config.json of Docker


def image(*words, code=0, environment=None, program=BIN / "footman", stdin=""):
    """Standard output; what came on standard error is in image.errors."""
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run([program, "image", *words], env={**env, **NOBODY, **(environment or {})}, capture_output=True, text=True,
                          input=stdin, timeout=PATIENCE * 2)
    check(done.returncode == code, f"footman image {words}: {done.returncode} instead of {code}\n{done.stdout}\n{done.stderr}")
    image.errors = done.stderr
    return done.stdout


def skopeo(*words):
    return subprocess.run(["skopeo", "--insecure-policy", *words], check=True, capture_output=True, timeout=PATIENCE).stdout


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def copied(source, name, *words):
    """The image as skopeo understands it: {architecture: (configuration, program)}."""
    place = FOLDER / name
    skopeo("copy", "--all", *words, source, f"oci:{place}:it")
    read = lambda blob: (place / "blobs/sha256" / blob["digest"].removeprefix("sha256:")).read_bytes()
    index = json.loads(read(json.loads((place / "index.json").read_text())["manifests"][0]))
    found = {}
    for entry in index["manifests"]:
        manifest = json.loads(read(entry))
        (layer,) = manifest["layers"]
        with tarfile.open(fileobj=io.BytesIO(read(layer)), mode="r:gz") as archive:
            (member,) = archive.getmembers()
            check((member.name, member.mode, member.uid, member.gid, member.mtime) == ("footman-agent", 0o755, 0, 0, 0), member)
            found[entry["platform"]["architecture"]] = (json.loads(read(manifest["config"])), archive.extractfile(member).read())
    return found


def check_programs(found, expected):
    check(sorted(found) == sorted(expected), list(found))
    for architecture, (config, program) in found.items():
        check(config["architecture"] == architecture and config["config"]["Entrypoint"] == ["/footman-agent"], config)
        check(program == expected[architecture].read_bytes(), f"another program for {architecture}")


def test_pushed_and_read_by_another_client():
    with Registry() as registry:
        name = f"{registry.host}/team/footman-agent"
        out = image("push", f"{name}:1", "--plain-http", *BOTH)
        reference = out.strip()
        check(out.count("\n") == 1 and reference.startswith(f"{name}@sha256:"), out)
        check(f"pushed {name}:1 for amd64 and arm64" in image.errors and "sent" in image.errors, image.errors)
        plain = ("--src-tls-verify=false",)
        for there in (f"docker://{name}:1", f"docker://{reference}"):
            raw = skopeo("inspect", "--raw", "--tls-verify=false", there)
            check(digest(raw) == reference.split("@")[1], raw)
        check_programs(copied(f"docker://{reference}", "pushed", *plain), {"amd64": AMD64, "arm64": ARM64})
        # Again: the same image, and nothing is sent.
        told = json.loads(image("push", f"{name}:2", "--plain-http", "--json", "--agent", ARM64, "--agent", AMD64))
        check(told["image"] == reference and told["tag"] == f"{name}:2" and told["sent_bytes"] == 0, told)
        check(told["architectures"] == ["amd64", "arm64"] and told["notes"] == [], told)
        # What is lost is sent again.
        shutil.rmtree(registry.folder / "blobs/docker/registry/v2/repositories/team/footman-agent/_layers")
        image("push", f"{name}:1", "--plain-http", *BOTH)
        check_programs(copied(f"docker://{reference}", "mended", *plain), {"amd64": AMD64, "arm64": ARM64})


def test_users_and_passwords():
    password = FOLDER / "password"
    password.write_text(PASSWORD + "\n")
    packed = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    for auth in ("basic", "token"):
        with Registry(tls=("127.0.0.1",), auth=auth) as registry:
            words = ("push", f"{registry.host}/footman-agent:1", "--agent", SMALL, "--arch", "amd64", "--ca-file", registry.certificate)
            image(*words, code=4)
            check("Give a user with --user" in image.errors, image.errors)
            image(*words, "--user", USER, "--password-file", password)
            (FOLDER / "docker").mkdir(exist_ok=True)
            (FOLDER / "docker/config.json").write_text(json.dumps({"auths": {registry.host: {"auth": packed}}}))
            image(*words, environment={"DOCKER_CONFIG": str(FOLDER / "docker")})
            named = {"FOOTMAN_REGISTRY_USER": USER, "FOOTMAN_REGISTRY_PASSWORD": PASSWORD}
            image(*words, environment=named)
            image(*words, environment={**named, "FOOTMAN_REGISTRY_PASSWORD": "wrong-one"}, code=4)
            check("does not take this user and password ('ci', from FOOTMAN_REGISTRY_PASSWORD)" in image.errors, image.errors)
            check("wrong-one" not in image.errors, image.errors)
            image(*words, "--user", USER, "--password-file", "/dev/stdin", stdin=PASSWORD)
            image(*words, "--user", USER, code=2)
            image(*words, "--password-file", password, code=2)
            image(*words, "--user", USER, "--password-file", FOLDER / "none", code=2)
            if registry.tokens:
                check(registry.tokens.asked[-1]["scope"] == ["repository:footman-agent:pull,push"], registry.tokens.asked)
            # Nobody believes a registry whose certificate nobody has signed.
            image(*words[:-2], "--user", USER, "--password-file", password, code=4)
            check("certificate" in image.errors, image.errors)


def test_ecr():
    from fake_aws.client import FakeAws
    with FakeAws() as aws:
        token = aws.botocore_client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
        user, password = base64.b64decode(token).decode().split(":")
        host = f"{aws.account}.dkr.ecr.{aws.region}.amazonaws.com"
        with Registry(tls=(host,), auth="basic", user=user, password=password) as registry:
            proxy = ConnectProxy(registry.port)
            environment = {**aws.environment(), "HTTPS_PROXY": proxy.url, "AWS_ENDPOINT_URL_ECR": aws.url}
            words = ("push", f"{host}/footman-agent:1", "--agent", SMALL, "--arch", "amd64", "--ca-file", registry.certificate)
            out = image(*words, environment=environment)
            check(out.startswith(f"{host}/footman-agent@sha256:"), out)
            check(set(proxy.asked) == {f"{host}:443"}, proxy.asked)
            check([call["operation"] for call in aws.calls("ecr")] == ["GetAuthorizationToken"] * 2, aws.calls("ecr"))
            aws.tell("policies", principal=f"arn:aws:iam::{aws.account}:user/footman",
                     document={"Version": "2012-10-17", "Statement": []})
            image(*words, environment=environment, code=1)
            check("AccessDenied" in image.errors and "GetAuthorizationToken" in image.errors, image.errors)
            aws.check_no_violation()
            proxy.stop()


def test_saved_to_a_file():
    file = FOLDER / "agent.tar"
    said = image("save", file, *BOTH).strip()
    check_programs(copied(f"oci-archive:{file}", "saved"), {"amd64": AMD64, "arm64": ARM64})
    image("save", file, *BOTH, code=2)
    check("is there already" in image.errors, image.errors)
    with Registry() as registry:
        there = f"{registry.host}/a:1"
        skopeo("copy", "--all", "--preserve-digests", "--dest-tls-verify=false", f"oci-archive:{file}", f"docker://{there}")
        check(digest(skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{there}")) == said, said)
        check(image("push", there, "--plain-http", *BOTH).strip().endswith(said), said)


def test_agents_beside_the_program():
    place = FOLDER / "beside"
    place.mkdir()
    program = place / "footman"
    shutil.copy2(BIN / "footman", program)
    file = place / "out.tar"

    def save(*words, **how):
        file.unlink(missing_ok=True)
        return image("save", file, *words, program=program, **how)

    save(code=2)
    check("there is no footman-agent in" in image.errors, image.errors)
    shutil.copy2(SMALL, place / "footman-agent")
    told = json.loads(save("--json"))
    check(told["architectures"] == ["amd64"] and len(told["notes"]) == 1, told)
    save()
    check("note: there is no agent for arm64" in image.errors and "for amd64 alone. make agent-arm64" in image.errors, image.errors)
    save("--arch", "amd64", "--arch", "arm64", code=2)
    check("there is no agent for arm64" in image.errors, image.errors)
    shutil.copy2(ARM64, place / "footman-agent-arm64")
    check(json.loads(save("--json"))["architectures"] == ["amd64", "arm64"], "both")
    check(image.errors == "", image.errors)
    check(json.loads(save("--json", "--arch", "arm64"))["architectures"] == ["arm64"], "one of them")
    check_programs(copied(f"oci-archive:{file}", "alone"), {"arm64": ARM64})
    (place / "footman-agent-arm64").write_text("#!/bin/sh\n")
    save(code=2)
    check("footman-agent-arm64 is not a Linux program" in image.errors, image.errors)


def test_what_cannot_be_pushed():
    image("push", "127.0.0.1:1/a", "--plain-http", "--agent", "/bin/ls", code=2)
    check("/bin/ls needs libraries, and the image will hold none" in image.errors, image.errors)
    image("push", "https://127.0.0.1/a", "--agent", SMALL, code=2)
    image("push", "registry.example.com/a", "--plain-http", "--agent", SMALL, code=2)
    check("without TLS" in image.errors, image.errors)
    image("push", "127.0.0.1:1/a", "--plain-http", "--agent", SMALL, "--agent", SMALL, code=2)
    check("is a second program for amd64" in image.errors, image.errors)
    with Registry() as registry:  # it has no TLS
        image("push", f"{registry.host}/a", "--agent", SMALL, code=3)
        registry.process.kill()
        registry.process.wait()
        told = image("push", f"{registry.host}/a", "--plain-http", "--json", "--agent", SMALL, code=3)
        check(told == "" and json.loads(image.errors)["error"]["code"] == "unavailable", image.errors)


def test_a_terminal_sees_what_is_done():
    with Registry() as registry:
        main, other = pty.openpty()
        registry.process.send_signal(19)  # stopped: the push waits
        client = subprocess.Popen([BIN / "footman", "image", "push", f"{registry.host}/a", "--plain-http", "--agent", SMALL], stdout=subprocess.PIPE, stderr=other, env={**os.environ, **NOBODY})
        os.close(other)
        seen = b""
        while b"looks for the layer for amd64" not in seen:
            seen += os.read(main, 4096)
        registry.process.send_signal(18)
        check(client.communicate(timeout=PATIENCE)[0].startswith(registry.host.encode()), "the reference")
        check(client.returncode == 0, client.returncode)
        os.close(main)


def test_the_arm64_agent_under_qemu():
    """It starts, installs itself as an init container does, and holds a session over TLS until its build. qemu-user 7.2 cannot make
    a process with a descriptor, so the step is not run, and the agent says so."""
    qemu = ["qemu-aarch64", ARM64]
    check(subprocess.run([*qemu, "--version"], check=True, capture_output=True, text=True).stdout.split()[0] == "footman-agent", "version")
    volume = FOLDER / "volume"
    volume.mkdir()
    subprocess.run([*qemu, "install", volume], check=True)
    installed = volume / "footman-agent"
    check(installed.read_bytes() == ARM64.read_bytes() and installed.stat().st_mode & 0o777 == 0o755, installed.stat())
    wrapper = FOLDER / "agent"
    wrapper.write_text(f"#!/bin/sh\nexec qemu-aarch64 {installed} \"$@\"\n")
    wrapper.chmod(0o755)
    certificate, key = make_certificate(FOLDER, ("127.0.0.1",))
    with Server(f"tls: {{certificate: {certificate}, key: {key}}}\n"
                f"clouds: [{{name: local, type: local, agent_binary: {wrapper}, templates: [{{name: small, default: true}}]}}]\n") as server:
        server.certificate = certificate
        server.start()
        number = server.submit("true")
        build = server.wait_build(number)
        log = server.log(number)
        check(b"start a process: Invalid argument" in log, f"{build} {log}")
        agent = server.agents()[0]
        check(agent["connected_at"] and agent["builds_done"] == 1, agent)
        server.wait_no_agents()


def test_an_unmodified_image_gets_the_agent_from_what_was_pushed():
    if not AGENT:
        check(os.environ.get("FOOTMAN_TEST_REQUIRE_ALL") != "1", "there is no static agent")
        raise NotRun("there is no static agent: tools/build release footman-agent-of-tests")
    from ecs import EcsServer
    with Registry() as registry:
        reference = image("push", f"{registry.host}/footman-agent:1", "--plain-http", *BOTH).strip()
        config, program = copied(f"docker://{reference}", "carrier", "--src-tls-verify=false")["amd64"]
    root = FOLDER / "root"
    root.mkdir()
    (root / "footman-agent").write_bytes(program)
    (root / "footman-agent").chmod(0o755)
    with EcsServer() as ecs:
        ecs.aws.set(images={"footman/agent": {"root": str(root), "entrypoint": config["config"]["Entrypoint"]}})
        server = ecs.start()
        number = server.submit("echo from any image")
        check(server.wait_build(number)["result"] == "SUCCESS", server.log(number))
        check(b"from any image" in server.log(number), server.log(number))
        ecs.wait_no_tasks()


try:
    run_tests()
finally:
    shutil.rmtree(FOLDER, ignore_errors=True)
