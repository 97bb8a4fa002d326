#include "cloud/aws/cached_credentials.hpp"

#include <algorithm>
#include <utility>

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
    : fetch_(std::move(fetch)), clock_(clock), log_(std::move(log)) {}

bool CachedCredentials::usable(Instant now) const {
  return cached_ && (!cached_->expires.is_set() || cached_->expires - now > kLastMoment);
}

bool CachedCredentials::due(Instant now) const {
  if (!cached_->expires.is_set()) return false;
  const auto before = std::min(kRenewBefore, (cached_->expires - fetched_at_) / 2);
  return now >= cached_->expires - before && now >= next_renewal_;
}

runtime::Awaitable<Result<Credentials>> CachedCredentials::get() {
  const auto now = clock_.now();
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
  auto fetched = co_await fetch_();
  ++ended_;
  const auto now = clock_.now();
  if (fetched) {
    keep(*fetched);
    co_return std::move(*fetched);
  }
  if (usable(now)) {
    next_renewal_ = now + kRenewPause;
    log_.warning("AWS credentials were not renewed; the present ones are still good",
                 {{"reason", describe(fetched.error())}, {"expire", format_rfc3339(cached_->expires)}});
    co_return *cached_;
  }
  cached_.reset();
  last_error_ = fetched.error();
  co_return std::unexpected(std::move(fetched).error());
}

void CachedCredentials::keep(Credentials fetched) {
  const bool is_new = !cached_ || cached_->access_key_id != fetched.access_key_id;
  fetched_at_ = clock_.now();
  // A metadata service gives the same ones until shortly before they expire.
  next_renewal_ = fetched_at_ + kRenewPause;
  cached_ = std::move(fetched);
  if (!is_new) return;
  log_.info("AWS credentials are there",
            {{"from", cached_->source},
             {"access_key_id", cached_->access_key_id},
             {"expire", cached_->expires.is_set() ? format_rfc3339(cached_->expires) : "never"}});
}

void CachedCredentials::reject(const std::string& access_key_id) {
  if (!cached_ || cached_->access_key_id != access_key_id) return;
  if (clock_.now() - fetched_at_ < kRejectPause) return;
  cached_.reset();
}

}  // namespace footman::cloud::aws
