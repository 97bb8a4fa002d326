"""Access keys: those of IAM users, and temporary ones with a token and an end."""
import dataclasses
import datetime
import secrets
import threading


@dataclasses.dataclass
class Key:
    access_key_id: str
    secret: str
    arn: str  # who signs with it, as GetCallerIdentity says it
    user_id: str
    token: str = ""
    expires: datetime.datetime | None = None
    role: str = ""  # ARN of the role that a session is of


def random_id(prefix):
    return prefix + "EXAMPLE" + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16 - 7))


class Keys:
    def __init__(self, account):
        self._account = account
        self._lock = threading.Lock()
        self._keys = {}

    def find(self, key_id):
        with self._lock:
            return self._keys.get(key_id)

    def add(self, key):
        with self._lock:
            self._keys[key.access_key_id] = key
        return key

    def remove(self, key_id):
        with self._lock:
            return self._keys.pop(key_id, None) is not None

    def make_user(self, name):
        return self.add(Key(random_id("AKIA"), secrets.token_urlsafe(30), f"arn:aws:iam::{self._account}:user/{name}",
                            random_id("AIDA")))

    def make_session(self, role, session, expires):
        """Credentials of a role; `session` is what stands last in the caller's ARN."""
        arn = f"arn:aws:sts::{self._account}:assumed-role/{role.name}/{session}"
        return self.add(Key(random_id("ASIA"), secrets.token_urlsafe(30), arn, f"{role.id}:{session}",
                            "FakeSession/" + secrets.token_urlsafe(60), expires, role.arn))
