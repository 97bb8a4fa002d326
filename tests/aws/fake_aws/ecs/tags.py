"""Tags: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html"""
from ..errors import malformed

MAX_TAGS = 50


def check(tags):
    keys = [tag.get("key", "") for tag in tags]
    if len(tags) > MAX_TAGS:
        raise malformed(f"Tags can have a maximum size of {MAX_TAGS}.")
    if len(set(keys)) != len(keys):
        raise malformed("Duplicate tag keys found. Tag keys must be unique.")
    for key in keys:
        if not key:
            raise malformed("A tag must have a key.")
        if key.lower().startswith("aws:"):
            raise malformed("Tag keys cannot start with 'aws:'.")


def merge(*lists):
    """Later lists win."""
    merged = {tag["key"]: tag.get("value", "") for tags in lists for tag in tags}
    return [{"key": key, "value": value} for key, value in merged.items()]
