#!/usr/bin/env python3
"""Plants one violation of each kind in a small tree: tools/check-layers must find it, and nothing in the clean tree."""
import pathlib
import subprocess
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parent.parent

TABLES = """
<!-- table: modules -->
| Module | Layer | May include | Its tests also | Holds |
|---|---|---|---|---|
| base | ground | – | – | x |
| model | pure | base | – | x |
| runtime | seam | base | – | x |
| net | seam | base runtime | – | x |
| store | adapter | base model runtime | – | x |
| cloud/local | adapter | base model runtime | – | x |
| controller | program | base model runtime store | cloud/local | x |
| agent | program | base runtime net | – | x |
| apps/footman-agent | app | base runtime net agent | – | x |
| sim | beside | * | – | x |

<!-- table: headers -->
| Header | Only in |
|---|---|
| boost/asio | runtime net sim */tests |
| openssl/ | net base/digest.cpp |
| fstream unistd.h | !base !model base/log.cpp */tests |
"""

LOWER = '#include "base/ids.hpp"\n#include "model/job.hpp"\n#include "runtime/scope.hpp"\n'
CLEAN = {
    "docs/ARCHITECTURE.md": TABLES,
    "src/base/digest.cpp": "#include <openssl/evp.h>\n",
    "src/base/log.cpp": "#include <unistd.h>\nauto t = std::chrono::system_clock::now();\n",
    "src/model/job.hpp": '#include "base/ids.hpp"\nstruct Job {\n  struct State {\n  };\n};\n',
    "src/model/tests/job_test.cpp": "#include <fstream>\n",
    "src/model/CMakeLists.txt": "footman_module(model SOURCES job.cpp DEPS base json)\n",
    "src/runtime/scope.cpp": '#include "base/ids.hpp"\n#include <boost/asio/post.hpp>\n',
    "src/net/tcp.cpp": '#include "base/ids.hpp"\n#include "runtime/scope.hpp"\n',
    "src/store/store.cpp": LOWER + '#include <fstream>\n',
    "src/cloud/local/launch.cpp": '#include "cloud/local/launch.hpp"\n' + LOWER,
    "src/controller/hub.cpp": '#include "store/store.hpp"\n' + LOWER,
    "src/agent/session.cpp": '#include "base/ids.hpp"\n#include "net/tcp.hpp"\n#include "runtime/scope.hpp"\n',
    "src/controller/tests/hub_test.cpp": '#include "cloud/local/launch.hpp"\n#include <boost/asio/io_context.hpp>\n',
    "src/controller/CMakeLists.txt": "footman_test(hub_test SOURCES tests/hub_test.cpp DEPS controller cloud/local)\n",
    "apps/footman-agent/main.cpp": '#include "agent/session.hpp"\n',
    "sim/world.cpp": '#include "controller/hub.hpp"\nnamespace footman::sim {\nstruct World {\n};\nclass Job;\n',
}

# name: (file, its text, a piece of the message)
PLANTED = {
    "upwards": ("src/model/up.hpp", '#include "store/store.hpp"\n', 'model must not include "store/store.hpp"'),
    "adapter sees adapter": ("src/store/x.cpp", '#include "cloud/local/launch.hpp"\n', "store must not include"),
    "asio in a program": ("src/controller/x.cpp", "#include <boost/asio/post.hpp>\n", "<boost/asio/post.hpp>"),
    "asio in a pure module": ("src/model/x.cpp", "#  include <boost/asio/post.hpp>\n", "<boost/asio/post.hpp>"),
    "openssl in base": ("src/base/x.cpp", "#include <openssl/hmac.h>\n", "<openssl/hmac.h>"),
    "file in a pure module": ("src/model/x.cpp", "#include <fstream>\n", "<fstream> is not allowed"),
    "clock in a pure module": ("src/model/x.cpp", "auto t = steady_clock::now();\n", "src/model/x.cpp:1"),
    "unknown module": ("src/extra/x.cpp", "\n", "add a row"),
    "unknown target of an include": ("src/store/x.cpp", '#include "nowhere/x.hpp"\n', "belongs to no module"),
    "relative include": ("src/store/x.cpp", '#include "../model/job.hpp"\n', "write the path"),
    "tests may, sources may not": ("src/controller/x.cpp", '#include "cloud/local/launch.hpp"\n', "must not include"),
    "agent sees the store": ("apps/footman-agent/x.cpp", '#include "store/store.hpp"\n', "apps/footman-agent must not"),
    "link": ("src/store/CMakeLists.txt", "footman_module(store SOURCES a.cpp DEPS base\n  net)\n", "store must not depend on net"),
    "link by LIBS": ("src/store/CMakeLists.txt", "footman_module(store LIBS footman_net)\n", "must not link footman_net"),
    "link of the agent": ("apps/footman-agent/CMakeLists.txt",
                          "footman_agent_program(footman-agent SOURCES main.cpp MODULES agent store)\n", "depend on store"),
    "copy in the simulation": ("sim/job.hpp", "struct Job {\n};\n", "defines Job again"),
    "production namespace in the simulation": ("sim/x.cpp", "namespace footman::model {\n", "opens footman::model"),
    "source included by the simulation": ("sim/x.cpp", '#include "model/job.cpp"\n', "includes the source"),
}

# name: (text in the table, its replacement, a piece of the message)
BROKEN_TABLES = {
    "pure uses a seam": ("| model | pure | base |", "| model | pure | base runtime |", "a higher layer"),
    "adapters": ("| store | adapter | base model runtime |", "| store | adapter | base cloud/local |", "never see each other"),
    "cycle": ("| runtime | seam | base |", "| runtime | seam | base net |", "use each other"),
    "agent reaches more": ("| agent | program | base runtime net |", "| agent | program | base runtime net model |",
                           "footman-agent would reach model"),
    "agent lists the store": ("| base runtime net agent |", "| base runtime net agent store model |", "never link store"),
    "a row without a folder": ("| sim |", "| jenkins | adapter | – | – | x |\n| sim |", "jenkins has a row and no folder"),
    "allowed and not included": ("| net | seam | base runtime |", "| net | seam | base model runtime |",
                                 "net lists 'model' and does not include it"),
    "allowed to tests that do not use it": ("| store | adapter | base model runtime | – |",
                                            "| store | adapter | base model runtime | net |",
                                            "store lists 'net' for its tests"),
    "no such row": ("| net | seam | base runtime |", "| net | seam | base runtime tls |", "has no row"),
}


def check(files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = pathlib.Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run([TOOLS / "check-layers", "--root", root], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


class CheckLayers(unittest.TestCase):
    def test_clean_tree_passes(self):
        self.assertEqual(check(CLEAN), (0, "layers: in order\n"))

    def test_each_planted_violation_is_found_alone(self):
        for name, (path, text, message) in PLANTED.items():
            with self.subTest(name):
                code, output = check({**CLEAN, path: text})
                self.assertEqual(code, 1)
                self.assertIn(message, output)
                self.assertEqual(len(output.splitlines()), 2, output)

    def test_broken_tables_are_refused(self):
        for name, (old, new, message) in BROKEN_TABLES.items():
            with self.subTest(name):
                self.assertIn(old, TABLES)
                code, output = check({**CLEAN, "docs/ARCHITECTURE.md": TABLES.replace(old, new)})
                self.assertEqual(code, 1)
                self.assertIn(message, output)


if __name__ == "__main__":
    unittest.main()
