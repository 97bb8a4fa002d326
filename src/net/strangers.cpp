#include "net/strangers.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>
#include <utility>

#include "net/socket.hpp"
#include "runtime/post.hpp"

namespace footman::net {

namespace {
constexpr int kHandshakesInOneTurn = 8;
}  // namespace

ConnectionReports::ConnectionReports(base::Metrics& metrics, base::Logger log, runtime::Clock& clock,
                                     std::string port)
    : metrics_(metrics), log_(std::move(log)), clock_(clock), port_(std::move(port)) {}

void ConnectionReports::gave_way(std::string_view limit, std::size_t most, std::string_view address) {
  report("footman_connections_gave_way_total", "Connections closed to make room for newer ones", limit, most,
         address);
}

void ConnectionReports::refused(std::string_view limit, std::size_t most, std::string_view address) {
  report("footman_connections_refused_total", "Connections closed at once because there was no room", limit,
         most, address);
}

void ConnectionReports::report(const char* what, const char* help, std::string_view limit, std::size_t most,
                               std::string_view address) {
  metrics_.counter(what, help, {{"port", port_}, {"limit", std::string(limit)}}).add();
  const auto left_out = lines_.pass(clock_.steady());
  if (!left_out) return;
  log_.warning(
      "a limit of connections is reached; others give way or are refused. If they are no agents and users of "
      "yours, keep them out with a firewall; if they are, see \"Strangers\" in docs/OPERATIONS.md",
      {{"port", port_},
       {"limit", limit},
       {"most", most},
       {"address", address},
       {"closed_since_last_line", *left_out + 1}});
}

std::string address_group(std::string_view peer) {
  auto host = peer.substr(0, peer.rfind(':'));
  if (!host.starts_with('[') || !host.ends_with(']')) return std::string(host);
  host = host.substr(1, host.size() - 2);
  in6_addr address{};
  const std::string text(host.substr(0, host.find('%')));
  if (::inet_pton(AF_INET6, text.c_str(), &address) != 1) return std::string(host);
  char buffer[INET6_ADDRSTRLEN];
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    ::inet_ntop(AF_INET, &address.s6_addr[12], buffer, sizeof buffer);
    return buffer;
  }
  std::memset(&address.s6_addr[8], 0, 8);
  ::inet_ntop(AF_INET6, &address, buffer, sizeof buffer);
  return std::string(buffer) + "/64";
}

Strangers::Strangers(StrangerLimits limits, runtime::Executor executor, runtime::Clock& clock,
                     ConnectionReports& reports)
    : limits_(limits),
      executor_(std::move(executor)),
      clock_(clock),
      reports_(reports),
      all_{.name = "strangers",
           .most = limits.all,
           .patience = limits.patience,
           .seat = &Stranger::seat_,
           .groups = {}},
      shaking_{.name = "handshakes",
               .most = limits.handshakes,
               .patience = limits.patience,
               .seat = &Stranger::handshake_,
               .groups = {}},
      secured_{.name = "secured",
               .most = limits.secured,
               .patience = limits.secured_patience,
               .seat = &Stranger::secured_,
               .groups = {}} {}

Strangers::~Strangers() = default;

std::size_t Strangers::count() const { return all_.count; }

StrangerPtr Strangers::admit(std::string_view peer, std::function<void()> give_way) {
  auto address = address_group(peer);
  if (!make_room(all_, address)) {
    reports_.refused(all_.name, all_.most, address);
    return nullptr;
  }
  look_at_line();  // who gave way may have left a place among the handshakes
  auto who = std::make_unique<Stranger>(*this, std::move(address), std::move(give_way));
  sit_down(all_, *who);
  return who;
}

StrangerPtr Strangers::admit(const runtime::ByteStream& stream) {
  std::function<void()> give_way;
  if (const auto* tcp = dynamic_cast<const TcpStream*>(&stream))
    give_way = [socket = tcp->socket()] { socket->close(); };
  return admit(stream.peer(), std::move(give_way));
}

void Strangers::rank(Crowd& crowd, Group& group, bool in) {
  if (group.oldest_first.empty()) return;
  const auto& oldest = group.oldest_first.front()->*crowd.seat;
  const auto key = std::tuple(-static_cast<std::ptrdiff_t>(group.count), oldest.since, &group);
  if (in)
    crowd.ranks.insert(key);
  else
    crowd.ranks.erase(key);
}

void Strangers::sit_down(Crowd& crowd, Stranger& who) {
  auto& group = crowd.groups[who.address_];
  if (group.count == 0) group.address = who.address_;
  rank(crowd, group, false);
  auto& seat = who.*crowd.seat;
  seat = {&group, clock_.steady(), false, group.oldest_first.insert(group.oldest_first.end(), &who)};
  ++group.count;
  ++crowd.count;
  rank(crowd, group, true);
}

void Strangers::stand_up(Crowd& crowd, Stranger& who) {
  auto& seat = who.*crowd.seat;
  auto* group = std::exchange(seat.group, nullptr);
  if (group == nullptr) return;
  rank(crowd, *group, false);
  if (!seat.stays) group->oldest_first.erase(seat.place);
  --group->count;
  --crowd.count;
  rank(crowd, *group, true);
  if (group->count == 0) crowd.groups.erase(crowd.groups.find(who.address_));
}

bool Strangers::make_room(Crowd& crowd, const std::string& address, bool of_larger_only) {
  if (crowd.count < crowd.most) return true;
  if (crowd.ranks.empty()) return false;
  const auto& [minus_count, since, group] = *crowd.ranks.begin();
  const auto own = crowd.groups.find(address);
  const std::size_t with_newcomer = 1 + (own == crowd.groups.end() ? 0 : own->second.count);
  // Who waits for his handshake waits for this server, and from then on the other limits decide.
  const auto& oldest = *group->oldest_first.front();
  const bool is_beyond = &crowd == &all_ && (oldest.waits_ || oldest.handshake_.group != nullptr ||
                                             oldest.secured_.group != nullptr);
  const bool had_its_time = !of_larger_only && !is_beyond && clock_.steady() - since >= crowd.patience;
  if (group->count <= with_newcomer && !had_its_time) return false;
  reports_.gave_way(crowd.name, crowd.most, group->address);
  dismiss(*group->oldest_first.front());
  return true;
}

void Strangers::dismiss(Stranger& who) {
  stand_up(all_, who);
  stand_up(shaking_, who);
  stand_up(secured_, who);
  if (who.waits_) {
    leave_line(who);
    who.turn_.notify();
  }
  if (const auto give_way = std::exchange(who.give_way_, nullptr)) give_way();
}

void Strangers::leave_line(Stranger& who) {
  const auto queue = line_.find(who.address_);
  queue->second.erase(who.in_line_);
  if (queue->second.empty()) line_.erase(queue);
  who.waits_ = false;
}

void Strangers::look_at_line() {
  if (line_.empty() || std::exchange(looks_soon_, true)) return;
  runtime::post(executor_, [this, weak = std::weak_ptr(alive_)] {
    if (weak.expired()) return;
    looks_soon_ = false;
    serve_next();
  });
}

// The address behind the one that was served last.
void Strangers::serve_next() {
  timer_.reset();
  for (int begun = 0; begun < kHandshakesInOneTurn && !line_.empty(); ++begun) {
    auto queue = line_.upper_bound(served_);
    if (queue == line_.end()) queue = line_.begin();
    if (!make_room(shaking_, queue->first)) return wait_for_room();
    served_ = queue->first;
    auto& next = *queue->second.front();
    leave_line(next);
    next.stay(false);  // from now on it is his turn
    sit_down(shaking_, next);
    next.turn_.notify();
  }
  look_at_line();
}

void Strangers::wait_for_room() {
  if (!shaking_.ranks.empty()) {
    const auto since = std::get<base::Duration>(*shaking_.ranks.begin());
    timer_ =
        clock_.call_after(executor_, since + limits_.patience - clock_.steady(), [this] { look_at_line(); });
  }
}

Stranger::Stranger(Strangers& strangers, std::string address, std::function<void()> give_way)
    : strangers_(strangers), address_(std::move(address)), give_way_(std::move(give_way)) {}

Stranger::~Stranger() {
  if (waits_) strangers_.leave_line(*this);
  strangers_.stand_up(strangers_.all_, *this);
  strangers_.stand_up(strangers_.shaking_, *this);
  strangers_.stand_up(strangers_.secured_, *this);
  strangers_.look_at_line();
}

runtime::Awaitable<bool> Stranger::begin_handshake() {
  auto& handshakes = strangers_.shaking_;
  if (handshakes.count >= handshakes.most && strangers_.make_room(handshakes, address_, true)) {
    strangers_.sit_down(handshakes, *this);
    co_return true;
  }
  auto& queue = strangers_.line_[address_];
  in_line_ = queue.insert(queue.end(), this);
  waits_ = true;
  strangers_.look_at_line();
  while (waits_) co_await turn_.wait();
  co_return handshake_.group != nullptr;
}

bool Stranger::end_handshake() {
  if (handshake_.group == nullptr) return false;  // it has given way
  strangers_.stand_up(strangers_.shaking_, *this);
  strangers_.look_at_line();
  if (!strangers_.make_room(strangers_.secured_, address_)) {
    strangers_.reports_.refused(strangers_.secured_.name, strangers_.secured_.most, address_);
    return false;
  }
  strangers_.sit_down(strangers_.secured_, *this);
  return true;
}

void Stranger::stay(bool stays) {
  strangers_.stay(strangers_.all_, *this, stays);
  strangers_.stay(strangers_.secured_, *this, stays);
}

void Strangers::stay(Crowd& crowd, Stranger& who, bool stays) {
  auto& seat = who.*crowd.seat;
  if (seat.group == nullptr) return;
  auto& group = *seat.group;
  rank(crowd, group, false);
  if (!seat.stays) group.oldest_first.erase(seat.place);
  seat.stays = stays;
  seat.since = clock_.steady();
  if (!stays) seat.place = group.oldest_first.insert(group.oldest_first.end(), &who);
  rank(crowd, group, true);
}

}  // namespace footman::net
