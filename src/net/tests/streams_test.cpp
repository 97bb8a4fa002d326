// TCP, TLS and sniffing over real sockets on loopback.
#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>

#include "net/certificate.hpp"
#include "net/sniff.hpp"
#include "net/tests/world.hpp"
#include "net/tls_context.hpp"

using namespace footman;
using namespace footman::net;
using namespace footman::net::test;
using namespace std::chrono_literals;
using runtime::Awaitable;
using runtime::ByteStream;

namespace {

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t x = 1;
  for (auto& c : text) {
    x = x * 1664525 + 1013904223;
    c = static_cast<char>(x >> 24);
  }
  return text;
}

Awaitable<void> write_then_count(ByteStream* stream, std::string bytes, int* done) {
  const auto sent = co_await stream->write(std::move(bytes));
  if (sent) ++*done;
}

Awaitable<void> read_and_note(ByteStream* stream, base::Result<std::string>* out, bool* done) {
  *out = co_await stream->read(100);
  *done = true;
}

// The certificate, as if another one had signed it.
std::string sign_again(const std::string& pem, const SelfSigned& by) {
  const auto read = [](const std::string& text) {
    return X509Ptr(PEM_read_bio_X509(make_memory_bio(text).get(), nullptr, nullptr, nullptr));
  };
  const auto certificate = read(pem);
  const EvpKeyPtr key(
      PEM_read_bio_PrivateKey(make_memory_bio(by.private_key_pem.expose()).get(), nullptr, nullptr, nullptr));
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(read(by.certificate_pem).get()));
  REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  const BioPtr out(BIO_new(BIO_s_mem()));
  REQUIRE(PEM_write_bio_X509(out.get(), certificate.get()) == 1);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

// Megabytes in both directions at the same time.
void check_both_ways(World& world, ByteStream* a, ByteStream* b) {
  const auto bytes = pattern(3'000'000);
  int sent = 0;
  world.scope.spawn("a", write_then_count(a, bytes, &sent));
  world.scope.spawn("b", write_then_count(b, bytes, &sent));
  std::string at_b;
  std::string at_a;
  struct Reader {
    static Awaitable<void> read(ByteStream* stream, std::string* out, std::size_t count) {
      *out = co_await read_bytes(stream, count);
    }
  };
  world.scope.spawn("ra", Reader::read(a, &at_a, bytes.size()));
  world.scope.spawn("rb", Reader::read(b, &at_b, bytes.size()));
  world.run(world.scope.join());
  CHECK(sent == 2);
  CHECK(at_a == bytes);
  CHECK(at_b == bytes);
}

Awaitable<void> keep_result(Awaitable<base::Result<runtime::ByteStreamPtr>> what,
                            base::Result<runtime::ByteStreamPtr>* out) {
  *out = co_await std::move(what);
}

struct Shaken {
  base::Result<runtime::ByteStreamPtr> client = nullptr;
  base::Result<runtime::ByteStreamPtr> server = nullptr;
};

Shaken shake(World& world, const TlsIdentity& identity, TlsClientContextPtr client, const std::string& name) {
  auto pair = connect_pair(world);
  Shaken out;
  world.scope.spawn(
      "server",
      keep_result(accept_tls(std::move(pair.server), identity.server, *world.clock, 5s), &out.server));
  world.scope.spawn(
      "client", keep_result(connect_tls(std::move(pair.client), std::move(client), name, *world.clock, 5s),
                            &out.client));
  world.run(world.scope.join());
  return out;
}

}  // namespace

TEST_CASE("TCP carries megabytes both ways and ends orderly") {
  World world;
  auto pair = connect_pair(world);
  CHECK(pair.client->peer().starts_with("127.0.0.1:"));
  check_both_ways(world, pair.client.get(), pair.server.get());
  pair.client->close();
  const auto end = world.run(pair.server->read(10));
  REQUIRE(end);
  CHECK(end->empty());
  CHECK_FALSE(world.run(pair.client->read(10)));
  CHECK_FALSE(world.run(pair.client->write("x")));
}

TEST_CASE("close ends a pending read with an error; so does destroying the stream") {
  World world;
  auto pair = connect_pair(world);
  for (const bool destroy : {false, true}) {
    auto& stream = destroy ? pair.server : pair.client;
    base::Result<std::string> result;
    bool done = false;
    world.scope.spawn("read", read_and_note(stream.get(), &result, &done));
    world.io.restart();
    world.io.poll();
    if (destroy) {
      pair = connect_pair(world);
      continue;
    }
    CHECK_FALSE(done);
    stream->close();
    world.step_until([&] { return done; });
    CHECK_FALSE(result);
  }
}

TEST_CASE("a cancelled read takes no bytes") {
  World world;
  auto pair = connect_pair(world);
  base::Result<std::string> result;
  bool done = false;
  {
    runtime::Scope inner(world.executor(), {});
    inner.spawn("read", read_and_note(pair.server.get(), &result, &done));
    world.io.restart();
    world.io.poll();
    inner.cancel();
    world.run(inner.join());
  }
  CHECK_FALSE(done);
  CHECK(world.run(pair.client->write("hello")));
  CHECK(world.run(read_bytes(pair.server.get(), 5)) == "hello");
}

TEST_CASE("connecting nowhere and listening twice say what is wrong") {
  World world;
  auto listener = world.listen();
  const auto endpoint = listener->endpoint();
  CHECK(endpoint.port != 0);
  const auto again = create_listener(world.executor(), *world.clock, endpoint, {});
  REQUIRE_FALSE(again);
  CHECK(again.error().code == base::Errc::already_exists);
  CHECK(again.error().message.find(std::to_string(endpoint.port)) != std::string::npos);
  CHECK_FALSE(again.error().hint.empty());
  CHECK_FALSE(create_listener(world.executor(), *world.clock, {"192.0.2.1", 0}, {}));
  CHECK_FALSE(create_listener(world.executor(), *world.clock, {"not.numeric", 0}, {}));

  listener->close();
  const auto refused = world.run(connect_tcp(world.executor(), *world.clock, "127.0.0.1", endpoint.port, 5s));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == base::Errc::unavailable);
  CHECK(refused.error().message.find("refused") != std::string::npos);
  CHECK_FALSE(world.run(listener->accept()));
  const auto no_name = world.run(connect_tcp(world.executor(), *world.clock, "no-such-host.invalid", 1, 20s));
  REQUIRE_FALSE(no_name);
  CHECK(no_name.error().message.find("no-such-host.invalid") != std::string::npos);
}

TEST_CASE("a name is looked up and IPv6 works where there is any") {
  World world;
  auto listener = world.listen();
  CHECK(world.run(connect_tcp(world.executor(), *world.clock, "localhost", listener->endpoint().port, 5s)));
  auto six = create_listener(world.executor(), *world.clock, {"::1", 0}, {});
  if (!six) {
    MESSAGE("no IPv6 on this machine: not run");
    return;
  }
  const auto stream =
      world.run(connect_tcp(world.executor(), *world.clock, "::1", (*six)->endpoint().port, 5s));
  REQUIRE(stream);
  CHECK((*stream)->peer() == (*six)->endpoint().str());
}

TEST_CASE("accepting survives running out of descriptors") {
  World world;
  auto listener = world.listen();
  const auto endpoint = listener->endpoint();
  auto waiting = world.run(connect_tcp(world.executor(), *world.clock, endpoint.host, endpoint.port, 5s));
  REQUIRE(waiting);
  rlimit old{};
  getrlimit(RLIMIT_NOFILE, &old);
  rlimit none = old;
  none.rlim_cur = 0;
  setrlimit(RLIMIT_NOFILE, &none);
  base::Result<runtime::ByteStreamPtr> accepted = nullptr;
  world.scope.spawn("accept", keep_result(listener->accept(), &accepted));
  world.io.restart();
  world.io.poll();
  CHECK(world.scope.running() == 1);
  setrlimit(RLIMIT_NOFILE, &old);
  world.run(world.scope.join());
  REQUIRE(accepted);
  CHECK(*accepted != nullptr);
}

TEST_CASE("TLS carries megabytes both ways and ends orderly") {
  World world;
  const auto identity = make_identity({"build.example.org", "127.0.0.1", "::1"}, world.clock->now());
  auto shaken = shake(world, identity, trusting(identity), "127.0.0.1");
  REQUIRE(shaken.client);
  REQUIRE(shaken.server);
  check_both_ways(world, shaken.client->get(), shaken.server->get());
  (*shaken.client)->close();
  const auto end = world.run((*shaken.server)->read(10));
  REQUIRE(end);
  CHECK(end->empty());
}

TEST_CASE("who a TLS client accepts, and what it says otherwise") {
  World world;
  const auto now = world.clock->now();
  const auto identity = make_identity({"build.example.org"}, now);
  const auto other = make_identity({"build.example.org"}, now);
  const auto pin = *public_key_sha256(identity.made.certificate_pem);
  CHECK(pin.size() == 64);
  CHECK(shake(world, identity, trusting(identity), "build.example.org").client);
  CHECK(shake(world, identity, *create_tls_client_context({false, {}, pin}), "any.other.host").client);

  const auto refused = [&](const TlsIdentity& server, TlsClientContextPtr client, const std::string& words) {
    const auto shaken = shake(world, server, std::move(client), "build.example.org");
    REQUIRE_FALSE(shaken.client);
    CHECK(shaken.client.error().code == base::Errc::unauthenticated);
    CAPTURE(shaken.client.error().message);
    CHECK(shaken.client.error().message.find(words) != std::string::npos);
    CHECK_FALSE(shaken.server);
  };
  refused(other, trusting(identity), "not known here");
  refused(other, *create_tls_client_context({false, {}, pin}), "not the pinned one");
  refused(other, *create_tls_client_context({}), "not known here");
  const auto elsewhere = make_identity({"elsewhere.example.org"}, now);
  refused(elsewhere, trusting(elsewhere), "for another host: elsewhere.example.org");
  const auto expired = make_identity({"build.example.org"}, now - 48h, 1);
  refused(expired, trusting(expired), "expired");
  const auto future = make_identity({"build.example.org"}, now + 48h, 1);
  refused(future, trusting(future), "not valid yet");
}

TEST_CASE("a server's certificate may be trusted itself, whoever signed it") {
  World world;
  const auto authority = make_identity({"authority"}, world.clock->now());
  auto identity = make_identity({"build.example.org"}, world.clock->now());
  auto& pem = identity.made.certificate_pem;
  pem = sign_again(pem, authority.made);
  identity.server = *create_tls_server_context({pem, identity.made.private_key_pem});
  CHECK(shake(world, identity, trusting(identity), "build.example.org").client);
  CHECK_FALSE(shake(world, identity, trusting(identity), "other.example.org").client);
  CHECK_FALSE(shake(world, identity, *create_tls_client_context({}), "build.example.org").client);

  // Of a file that holds more, only that certificate.
  const auto key = std::string(identity.made.private_key_pem.expose());
  CHECK(first_certificate(key + pem + authority.made.certificate_pem) == pem);
  CHECK_FALSE(first_certificate(key));
  const auto& other = authority.made.certificate_pem;
  CHECK(list_certificates("# a comment\n" + pem + key + other).value() == std::vector{pem, other});
  CHECK_FALSE(list_certificates(key));
  CHECK_FALSE(list_certificates(""));
}

TEST_CASE("TLS input that is wrong is refused when the context is made") {
  World world;
  const auto a = make_identity({"a"}, world.clock->now());
  const auto b = make_identity({"b"}, world.clock->now());
  CHECK_FALSE(create_tls_server_context({"nonsense", a.made.private_key_pem}));
  CHECK_FALSE(create_tls_server_context({a.made.certificate_pem, base::Secret("nonsense")}));
  const auto foreign = create_tls_server_context({a.made.certificate_pem, b.made.private_key_pem});
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().message.find("does not belong") != std::string::npos);
  CHECK_FALSE(create_tls_client_context({false, "nonsense", {}}));
  CHECK_FALSE(create_tls_client_context({false, {}, "1234"}));
  CHECK_FALSE(create_self_signed({"a,DNS:b"}, world.clock->now(), 1));
  CHECK_FALSE(create_self_signed({}, world.clock->now(), 1));
  const auto missing = load_tls_server_config("/nonexistent/cert.pem", "/nonexistent/key.pem");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message.find("/nonexistent/cert.pem") != std::string::npos);
}

TEST_CASE("damaged files of a certificate and its key are named") {
  World world;
  const auto a = make_identity({"a"}, world.clock->now());
  std::string folder = (std::filesystem::temp_directory_path() / "footman-pem-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const auto certificate = folder + "/cert.pem";
  const auto key = folder + "/key.pem";
  std::ofstream(certificate) << a.made.certificate_pem;
  std::ofstream(key) << a.made.private_key_pem.expose();
  CHECK(load_tls_server_config(certificate, key));
  std::ofstream(key) << "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n";
  const auto damaged = load_tls_server_config(certificate, key);
  REQUIRE_FALSE(damaged);
  CHECK(damaged.error().code == base::Errc::corrupt);
  CHECK(damaged.error().message.find(certificate) != std::string::npos);
  CHECK(damaged.error().message.find(key) != std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST_CASE("a handshake with somebody who says nothing ends by its time limit") {
  World world;
  const auto identity = make_identity({"a"}, world.clock->now());
  auto pair = connect_pair(world);
  const auto result = world.run(accept_tls(std::move(pair.server), identity.server, *world.clock, 20ms));
  REQUIRE_FALSE(result);
  CHECK(result.error().code == base::Errc::timeout);
}

TEST_CASE("plain bytes on a TLS port and TLS on a plain port are told apart") {
  World world;
  const auto identity = make_identity({"a"}, world.clock->now());
  auto pair = connect_pair(world);
  CHECK(world.run(pair.client->write("GET / HTTP/1.1\r\n\r\n")));
  const auto http = world.run(accept_tls(std::move(pair.server), identity.server, *world.clock, 5s));
  REQUIRE_FALSE(http);
  CHECK(http.error().message.find("plain HTTP") != std::string::npos);
  auto other = connect_pair(world);
  CHECK(world.run(other.server->write("HTTP/1.1 400 Bad Request\r\n\r\n")));
  const auto tls = world.run(connect_tls(std::move(other.client), trusting(identity), "a", *world.clock, 5s));
  REQUIRE_FALSE(tls);
  CHECK(tls.error().message.find("does not speak TLS") != std::string::npos);
}

TEST_CASE("a sniffed connection goes on as TLS, and a plain one gives its bytes back") {
  World world;
  const auto identity = make_identity({"a"}, world.clock->now());
  auto pair = connect_pair(world);
  base::Result<runtime::ByteStreamPtr> client = nullptr;
  world.scope.spawn(
      "client",
      keep_result(connect_tls(std::move(pair.client), trusting(identity), "a", *world.clock, 5s), &client));
  auto sniffed = world.run(sniff_stream(std::move(pair.server), *world.clock, 5s));
  REQUIRE(sniffed);
  CHECK(sniffed->protocol == SniffedProtocol::tls);
  auto server = world.run(accept_tls(std::move(sniffed->stream), identity.server, *world.clock, 5s));
  world.run(world.scope.join());
  REQUIRE(server);
  REQUIRE(client);
  check_both_ways(world, client->get(), server->get());

  auto plain = connect_pair(world);
  CHECK(world.run(plain.client->write("HEAD /x")));
  auto http = world.run(sniff_stream(std::move(plain.server), *world.clock, 5s));
  REQUIRE(http);
  CHECK(http->protocol == SniffedProtocol::http);
  CHECK(world.run(read_bytes(http->stream.get(), 7)) == "HEAD /x");

  auto silent = connect_pair(world);
  const auto late = world.run(sniff_stream(std::move(silent.server), *world.clock, 20ms));
  REQUIRE_FALSE(late);
  CHECK(late.error().code == base::Errc::timeout);
}
