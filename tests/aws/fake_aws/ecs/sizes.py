"""Sizes of tasks: cpu units and MiB as AWS spells them, and the pairs that Fargate has.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html (2025)
"""
import re

from ..errors import client_error

FARGATE = {
    256: [512, 1024, 2048],
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
}
WINDOWS_CPU = (1024, 2048, 4096)


def parse(text, units, factor, what):
    """"1024", or "1 vCPU", "0.5 GB": the number of cpu units or MiB."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if not match or (match[2] and match[2].lower() != units) or (not match[2] and "." in match[1]):
        raise client_error(f"Invalid '{what}' setting for task.")
    return int(float(match[1]) * (factor if match[2] else 1))


def parse_cpu(text):
    return parse(text, "vcpu", 1024, "cpu")


def parse_memory(text):
    return parse(text, "gb", 1024, "memory")


def check_fargate(cpu, memory, windows=False):
    known = cpu in FARGATE and memory in FARGATE[cpu] and (not windows or cpu in WINDOWS_CPU)
    if not known:
        raise client_error(f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. "
                           "See the Amazon ECS documentation for the valid values.")
