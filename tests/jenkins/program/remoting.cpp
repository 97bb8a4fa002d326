#include "tests/jenkins/program/remoting.hpp"

#include <utility>

namespace footman::fake_jenkins {
namespace {

constexpr std::size_t kMaxCommand = 8UL << 20;
constexpr std::size_t kMaxChunk = 32'767;

// A stream with one object, all but the eight bytes of the mask. In base64 its length is a multiple of four.
constexpr std::string_view kCapability =
    "rO0ABXNyABpodWRzb24ucmVtb3RpbmcuQ2FwYWJpbGl0eQAAAAAAAAABAgABSgAEbWFza3hw";
constexpr std::string_view kReducedCapability =
    "rO0ABXNyABpodWRzb24ucmVtb3RpbmcuQ2FwYWJpbGl0eQAAAAAAAAABAgABSgAEbWFza3hwAAAAAAAAAQQ=";

// Commands as agents take them, in hexadecimal, with the places where something is put in.
constexpr std::string_view kUserRequest =
    "aced00057372001b687564736f6e2e72656d6f74696e672e55736572526571756573740000000000000001020003"
    "4c0010636c6173734c6f6164657250726f78797400304c687564736f6e2f72656d6f74696e672f52656d6f746543"
    "6c6173734c6f616465722449436c6173734c6f616465723b5b0007726571756573747400025b424c0008746f5374"
    "72696e677400124c6a6176612f6c616e672f537472696e673b78720017687564736f6e2e72656d6f74696e672e52"
    "657175657374000000000000000102000349000269644900086c617374496f49644c0008726573706f6e736574001a4c68756473"
    "6f6e2f72656d6f74696e672f526573706f6e73"
    "653b78720017687564736f6e2e72656d6f74696e672e436f6d6d616e6400000000000000010200014c0009637265"
    "6174656441747400154c6a6176612f6c616e672f457863657074696f6e3b787070111111110000000070737d00000002002e6875"
    "64736f"
    "6e2e72656d6f74696e672e52656d6f7465436c6173734c6f616465722449436c6173734c6f61646572001c687564"
    "736f6e2e72656d6f74696e672e49526561645265736f6c7665787200176a6176612e6c616e672e7265666c656374"
    "2e50726f7879e127da20cc1043cb0200014c0001687400254c6a6176612f6c616e672f7265666c6563742f496e76"
    "6f636174696f6e48616e646c65723b787073720027687564736f6e2e72656d6f74696e672e52656d6f7465496e76"
    "6f636174696f6e48616e646c657200000000000000010300075a00146175746f556e6578706f7274427943616c6c"
    "65725a0009676f696e67486f6d654900036f69645a000f7265636f72644372656174656441745a00097573657250"
    "726f78795a00097573657253706163654c00066f726967696e7400154c6a6176612f6c616e672f5468726f776162"
    "6c653b78700100000000020000007078757200025b42acf317f8060854e00200007870";
constexpr std::size_t kIdInUserRequest = 0x14e;
// The object itself, in a stream of its own: a class of every agent.jar.
constexpr std::string_view kPing =
    "aced00057372001f687564736f6e2e72656d6f74696e672e50696e675468726561642450696e670000000000000001020000787"
    "0";
constexpr std::string_view kPingName = "74000470696e67";  // toString
constexpr std::string_view kResponse =
    "aced000573720018687564736f6e2e72656d6f74696e672e526573706f6e73650000000000000001020004490002"
    "69644900086c617374496f49644c0009657863657074696f6e7400154c6a6176612f6c616e672f5468726f776162"
    "6c653b4c000b72657475726e56616c75657400164c6a6176612f696f2f53657269616c697a61626c653b78720017"
    "687564736f6e2e72656d6f74696e672e436f6d6d616e6400000000000000010200014c0009637265617465644174"
    "7400154c6a6176612f6c616e672f457863657074696f6e3b787070111111110000000070";
constexpr std::size_t kIdInResponse = 0xd3;
constexpr std::string_view kNull = "70";
constexpr std::string_view kLoaderName = "740006646f75626c65";  // "double"
constexpr std::string_view kClose =
    "aced000573720024687564736f6e2e72656d6f74696e672e4368616e6e656c24436c6f7365436f6d6d616e640d80"
    "4888bb5bd98302000078720017687564736f6e2e72656d6f74696e672e436f6d6d616e6400000000000000010200"
    "014c00096372656174656441747400154c6a6176612f6c616e672f457863657074696f6e3b787070";

// Where a command names its class, and what follows in requests of the agent.
constexpr std::size_t kNameAt = 6;
constexpr std::size_t kIdInRpcRequest = 0x172;

int digit_of(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(digit_of(hex[i]) * 16 + digit_of(hex[i + 1]));
  return bytes;
}

std::string to_bytes(std::uint32_t number) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

std::uint32_t number_at(std::string_view bytes, std::size_t at, std::size_t count = 4) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < count; ++i) number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

// "Response" of a command whose object is a hudson.remoting.Response; empty: it is no such stream.
std::string_view class_of(std::string_view command) {
  constexpr std::string_view kBegin("\xac\xed\x00\x05sr", kNameAt);
  constexpr std::string_view kPackage = "hudson.remoting.";
  if (!command.starts_with(kBegin) || command.size() < kNameAt + 2) return {};
  const auto name = command.substr(kNameAt + 2, number_at(command, kNameAt, 2));
  return name.starts_with(kPackage) ? name.substr(kPackage.size()) : std::string_view();
}

std::string response(std::uint32_t id, std::string_view value) {
  auto command = from_hex(kResponse);
  command.replace(kIdInResponse, 4, to_bytes(id));
  return command + from_hex(value);
}

}  // namespace

bool is_remoting(std::string_view capability) { return capability.starts_with(kCapability); }

std::string_view remoting_capability() { return kReducedCapability; }

void RemotingChannel::ping() {
  auto command = from_hex(kUserRequest);
  command.replace(kIdInUserRequest, 4, to_bytes(static_cast<std::uint32_t>(++request_)));
  const auto object = from_hex(kPing);
  send(command + to_bytes(static_cast<std::uint32_t>(object.size())) + object + from_hex(kPingName));
}

void RemotingChannel::close() { send(from_hex(kClose)); }

void RemotingChannel::send(std::string_view command) {
  while (true) {
    const auto piece = command.substr(0, kMaxChunk);
    command.remove_prefix(piece.size());
    const auto header = piece.size() | (command.empty() ? 0U : 0x8000U);
    output_ += static_cast<char>(header >> 8);
    output_ += static_cast<char>(header & 0xff);
    output_ += piece;
    if (command.empty()) return;
  }
}

std::string RemotingChannel::take_output() { return std::exchange(output_, {}); }

bool RemotingChannel::feed(std::string_view bytes) {
  input_ += bytes;
  while (input_.size() >= 2) {
    const auto header = number_at(input_, 0, 2);
    const std::size_t size = header & 0x7fff;
    if (input_.size() < 2 + size) return true;
    command_ += input_.substr(2, size);
    input_.erase(0, 2 + size);
    if (command_.size() > kMaxCommand) return false;
    if ((header & 0x8000) == 0 && !take_command(std::exchange(command_, {}))) return false;
  }
  return true;
}

bool RemotingChannel::take_command(std::string_view command) {
  const auto name = class_of(command);
  if (name == "Response") {  // to a ping: nothing else is asked
    ++pongs_;
  } else if (name == "RemoteInvocationHandler$RPCRequest" && command.size() >= kIdInRpcRequest + 4) {
    // Of the class loader's proxy: its name, or resources that are not there.
    const bool asks_name = command.contains("getName");
    send(response(number_at(command, kIdInRpcRequest), asks_name ? kLoaderName : kNull));
  } else if (name == "Channel$CloseCommand") {
    return false;
  }
  return !name.empty();
}

}  // namespace footman::fake_jenkins
