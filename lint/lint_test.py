"""Lint must be able to fail: small bad trees go in, findings come out; good ones pass in silence."""

import tempfile
import unittest
from pathlib import Path

import cpp_text
import edges
import style

TABLE = """
fairing_module(base   src/base         DEPS "" LINK fmt::fmt)
fairing_module(cache  src/cache        DEPS base)
# fairing_module(ghost src/ghost       DEPS base)
fairing_module(net    src/net          DEPS base LINK OpenSSL::SSL IO)
fairing_module(config       src/app/config   DEPS base)
fairing_module(http_logic   src/http/logic   DEPS cache)
fairing_module(http_session src/http/session DEPS http_logic net IO)
fairing_module(sql_logic    src/sql/logic    DEPS cache)
"""
RULES = "plane http sql  # planes\nsans_io base cache http/logic sql/logic\nhot cache\n"
HEADER = "// thing: what it is for.\n#pragma once\n"


class tree(unittest.TestCase):
    """A test with a small repository in a temporary folder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.write("CMakeLists.txt", TABLE)
        self.write("lint/edges", RULES)

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def rules_found(self, check):
        return sorted((f.path, f.line, f.rule) for f in check(self.root))


class edges_test(tree):
    def found(self, path, text):
        self.write(path, text)
        return self.rules_found(edges.check)

    def test_declared_and_transitive_includes_pass(self):
        text = '#include "base/x.hpp"\n#include "cache/x.hpp"\n#include <vector>\n'
        self.assertEqual(self.found("src/http/logic/a.cpp", text), [])

    def test_undeclared_module(self):
        text = '#include <vector>\n#include "cache/x.hpp"\n'
        self.assertEqual(self.found("src/net/a.cpp", text), [("src/net/a.cpp", 2, "edges")])

    def test_upwards(self):
        self.assertEqual(self.found("src/base/a.hpp", '#include "cache/x.hpp"\n'), [("src/base/a.hpp", 1, "edges")])

    def test_plane_to_plane(self):
        found = self.found("src/http/logic/a.cpp", '#include "sql/logic/x.hpp"\n')
        self.assertEqual(found, [("src/http/logic/a.cpp", 1, "edges")])

    def test_io_only_where_marked(self):
        text = "#include <sys/epoll.h>\n"
        self.assertEqual(self.found("src/app/config/a.cpp", text), [("src/app/config/a.cpp", 1, "io")])
        self.write("src/app/config/a.cpp", "#include <boost/smart_ptr/intrusive_ptr.hpp>\n")
        self.assertEqual(self.found("src/http/session/a.cpp", text), [])

    def test_sockets_in_sans_io(self):
        found = self.found("src/cache/a.cpp", "#  include <sys/socket.h>\n#include <arpa/inet.h>\n")
        self.assertEqual(found, [("src/cache/a.cpp", 1, "sans-io")])

    def test_relative_include_and_unknown_folder(self):
        self.assertEqual(self.found("src/cache/a.cpp", '#include "x.hpp"\n'), [("src/cache/a.cpp", 1, "edges")])
        self.write("src/cache/a.cpp", "")
        self.assertEqual(self.found("src/nowhere/a.cpp", ""), [("src/nowhere/a.cpp", 1, "edges")])

    def test_table_itself(self):
        bad = TABLE + "fairing_module(a src/a DEPS b gone)\nfairing_module(b src/b DEPS a)\n"
        bad += "fairing_module(x src/sql/x DEPS http_session)\nfairing_module(y src/cache/y DEPS net)\n"
        self.write("CMakeLists.txt", bad)
        messages = " ".join(f.message for f in edges.check(self.root))
        for expected in ("'gone'", "depend on each other", "planes meet", "is sans-io but reaches net"):
            self.assertIn(expected, messages)

    def test_empty_table_is_a_finding(self):
        self.write("CMakeLists.txt", "project(x)\n")
        self.assertEqual(self.rules_found(edges.check), [("CMakeLists.txt", 1, "edges")])

    def test_unknown_rule_is_an_error(self):
        with self.assertRaisesRegex(ValueError, "lint/edges:1"):
            edges.parse_rules("plains http\n")


class style_test(tree):
    def found(self, path, text):
        self.write(path, text)
        return [(line, rule) for p, line, rule in self.rules_found(style.check) if p == path]

    def test_good_header_passes(self):
        self.assertEqual(self.found("src/base/a.hpp", HEADER + "namespace x {}\n"), [])

    def test_header_rules(self):
        found = self.found("src/base/a.hpp", "int a;\nusing namespace std;\n")
        self.assertEqual(found, [(1, "header"), (1, "header"), (2, "header")])
        found = self.found("src/base/a.hpp", "// #pragma once\n// using namespace std;\n")
        self.assertEqual(found, [(1, "header")])

    def test_leftovers_and_skips(self):
        word = "TO" + "DO"
        self.assertEqual(self.found("src/base/a.cpp", f"// {word}: later\n"), [(1, "leftover")])
        self.assertEqual(self.found("docs/a.md", f"x\n{word}\n"), [(2, "leftover")])
        self.assertEqual(self.found("src/base/b.cpp", "GTEST_SKIP();\n"), [(1, "skipped-test")])
        self.assertEqual(self.found("test/a.mjs", "test.skip('x');\n"), [(1, "skipped-test")])
        self.assertEqual(self.found("demo/a.sh", "mktemp -d /tmp/x.XXXXXX\n"), [])

    def test_foreign_names(self):
        self.assertEqual(self.found("a.sh", "cd /{}/main\n".format("work")), [(1, "foreign")])
        self.assertEqual(self.found("docs/b.md", "see docs/work/x\n"), [])
        self.assertEqual(self.found("c.sh", "curl http://deb.debian.org/\n"), [(1, "foreign")])

    def test_white_space_and_last_line(self):
        self.assertEqual(self.found("a.md", "x \ny\t\nz"), [(1, "white-space"), (2, "white-space"), (3, "white-space")])

    def test_links(self):
        self.write("docs/b.md", "# Why a *miss*?\n## Twice\n## Twice\n```\n# no heading\n```\n")
        good = "[a](b.md) [b](b.md#why-a-miss) [c](b.md#twice-1) [d](https://x.test/#y) [e](../docs) [f](#here)\n# Here\n"
        self.assertEqual(self.found("docs/a.md", good), [])
        bad = "[a](c.md)\n```\n[b](c.md)\n```\n[c](b.md#no-heading)\n[d](#there)\n"
        self.assertEqual(self.found("docs/c2.md", bad), [(1, "link"), (5, "link"), (6, "link")])

    def test_lock_addresses(self):
        self.assertEqual(self.found("demo/package-lock.json", '{"resolved": 1}\n'), [(1, "lock")])

    def test_file_size(self):
        self.assertEqual(self.found("src/base/a.cpp", "\n" * 501), [(501, "file-size")])
        self.assertEqual(self.found("src/base/a.cpp", "\n" * 500), [])

    def test_hot_containers(self):
        text = "std::unordered_map<int, int> a;  // unordered_map\n"
        self.assertEqual(self.found("src/cache/a.cpp", text), [(1, "hot")])
        self.assertEqual(self.found("src/cache/a_test.cpp", text), [])
        self.assertEqual(self.found("src/http/logic/a.cpp", text), [])

    def test_function_size(self):
        body = "  g();\n"
        self.assertEqual(self.found("src/base/a.cpp", "void f() {\n" + body * 68 + "}\n"), [])
        self.assertEqual(self.found("src/base/a.cpp", "\nvoid f() {\n" + body * 69 + "}\n"), [(2, "function-size")])


class functions_test(unittest.TestCase):
    def names(self, text):
        return [(name, last - first + 1) for first, last, name in cpp_text.functions(text)]

    def test_kinds(self):
        text = """namespace a::b {
template <class T>
class alignas(64) c final : public d<(1)> {
 public:
  c() : x_{1}, y_(2) {
    run();
  }
  ~c() { if (x_) { stop(); } }
  [[nodiscard]] auto f(int a) const noexcept -> std::vector<int> {
    auto l = [&](int b) { return b; };
    return {l(a)};
  }
  struct e { int v = g(1); };
 private:
  int x_{0};
};
enum class k : int { one = f(1), two };
constexpr int t[] = {1, 2};
bool operator<(const c& l, const c& r) { return &l < &r; }
TEST(suite, name) {
  EXPECT_EQ(1, 1);
}
}
"""
        found = self.names(text)
        self.assertIn(("~c", 1), found)
        self.assertIn(("f", 4), found)
        self.assertIn(("TEST", 3), found)
        self.assertNotIn("alignas", [n for n, _ in found])
        self.assertTrue(all(lines <= 4 for _, lines in found), found)

    def test_literals_and_comments_do_not_count(self):
        text = "void f() {\n  s = \"{{{\"; c = '{'; n = 1'000'000;  // {\n  r = R\"x(}}}\n)x\"; /* } */\n}\nvoid g() {}\n"
        self.assertEqual(self.names(text), [("f", 5), ("g", 1)])

    def test_directives_do_not_count(self):
        text = "#define OPEN if (x) { \\\n  {\nvoid f() {\n}\n"
        self.assertEqual(self.names(text), [("f", 2)])


if __name__ == "__main__":
    unittest.main()
