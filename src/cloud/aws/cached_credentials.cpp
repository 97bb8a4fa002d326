#include "cloud/aws/cached_credentials.hpp"

#include <algorithm>
#include <utility>

#include "runtime/time_limit.hpp"

namespace footman::cloud::aws {
namespace {

// Also when the coroutine is cancelled.
class Mark {
 public:
  explicit Mark(bool& flag) : flag_(flag) { flag_ = true; }
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;
  ~Mark() { flag_ = false; }

 private:
  bool& flag_;
};

}  // namespace

CachedCredentials::CachedCredentials(Fetch fetch, runtime::Clock& clock, Logger log)
    : fetch_(std::move(fetch)), clock_(clock), log_(std::move(log)), even_(clock) {}

bool CachedCredentials::usable(Instant now) const {
  if (!cached_) return false;
  return !expires_.is_set() || expires_ - now > kLastMoment || now - fetched_at_ < kRejectPause;
}

bool CachedCredentials::due(Instant now) const {
  if (!expires_.is_set()) return false;
  const auto before = std::min(kRenewBefore, (expires_ - fetched_at_) / 2);
  return now >= expires_ - before && now >= next_renewal_;
}

runtime::Awaitable<Result<Credentials>> CachedCredentials::get() {
  const auto now = even_.now();
  if (usable(now) && (renewing_ || !due(now))) co_return *cached_;
  const auto seen = ended_;
  const auto pass = co_await gate_.enter();
  if (ended_ != seen) {  // somebody else's fetch has ended meanwhile: its outcome is ours
    if (cached_) co_return *cached_;
    co_return std::unexpected(last_error_);
  }
  co_return co_await renew();
}

runtime::Awaitable<Result<Credentials>> CachedCredentials::renew() {
  const Mark mark(renewing_);
  next_renewal_ = even_.now() + kRenewPause;  // also when whoever waits here is cancelled
  auto fetched = co_await fetch_in_time();
  ++ended_;
  if (fetched) {
    keep(*fetched);
    co_return std::move(*fetched);
  }
  if (usable(even_.now())) {
    next_renewal_ = even_.now() + kRenewPause;
    log_.warning("AWS credentials were not renewed; the present ones are still good",
                 {{"reason", describe(fetched.error())}, {"expire", format_rfc3339(cached_->expires)}});
    co_return *cached_;
  }
  cached_.reset();
  last_error_ = fetched.error();
  co_return std::unexpected(std::move(fetched).error());
}

// The present ones are given out when it takes too long.
runtime::Awaitable<Result<Credentials>> CachedCredentials::fetch_in_time() {
  if (!usable(even_.now())) co_return co_await fetch_();
  auto fetched = co_await runtime::run_for(clock_, kRenewLimit, fetch_());
  if (fetched) co_return std::move(*fetched);
  co_return fail(Errc::timeout, "they did not come within " + format_duration(kRenewLimit));
}

void CachedCredentials::keep(Credentials fetched) {
  const bool is_new = !cached_ || cached_->access_key_id != fetched.access_key_id;
  fetched_at_ = even_.now();
  expires_ = even_.at(fetched.expires);
  // A metadata service gives the same ones until shortly before they expire.
  next_renewal_ = fetched_at_ + kRenewPause;
  cached_ = std::move(fetched);
  if (!is_new) return;
  log_.info("AWS credentials are there",
            {{"from", cached_->source},
             {"access_key_id", cached_->access_key_id},
             {"expire", cached_->expires.is_set() ? format_rfc3339(cached_->expires) : "never"}});
}

bool CachedCredentials::reject(const std::string& access_key_id) {
  if (!cached_ || cached_->access_key_id != access_key_id) return true;
  if (even_.now() - fetched_at_ < kRejectPause) return false;
  cached_.reset();
  return true;
}

}  // namespace footman::cloud::aws
