#include "store/backup.hpp"

#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include "runtime/real/files.hpp"
#include "store/directory.hpp"
#include "store/origin.hpp"
#include "store/sql_error.hpp"

namespace footman::store {

using base::Errc;
using base::Status;

namespace {

constexpr int kPagesAtOnce = 256;  // 1 MiB: moves wait at most about a millisecond for it

namespace fs = std::filesystem;

class Backup final : public Chore {
 public:
  explicit Backup(std::string path) : path_(std::move(path)), partial_(path_ + ".partial") {}
  ~Backup() override { close_copy(); }

  bool go_on(Database& source) override {
    auto done = copy_some(source);
    if (done && !*done) return true;
    end(done ? publish() : Status(std::unexpected(std::move(done).error())));
    return false;
  }

  void abandon() override { end(base::fail(Errc::unavailable, "The server is stopping")); }

  std::optional<Status> result;
  runtime::Event ended;

 private:
  // True: all pages are there.
  base::Result<bool> copy_some(Database& source) {
    if (!copy_) FOOTMAN_TRY_STATUS(begin(source));
    errno = 0;
    const int code = sqlite3_backup_step(backup_, kPagesAtOnce);
    const int system_error = errno;
    if (code == SQLITE_OK) return false;
    const int finished = sqlite3_backup_finish(std::exchange(backup_, nullptr));
    if (code != SQLITE_DONE || finished != SQLITE_OK)
      return std::unexpected(describe_failure(copy_->connection(), system_error));
    try {
      mark_as_backup(*copy_);
    } catch (const SqlError& error) {
      return std::unexpected(error.error());
    }
    return true;
  }

  Status begin(Database& source) {
    std::error_code error;
    if (fs::exists(path_, error)) return base::fail(Errc::already_exists, path_ + " is there already");
    fs::remove(partial_, error);  // of a backup that a crash cut off
    FOOTMAN_TRY_STATUS(make_private_file(partial_));
    made_ = true;
    FOOTMAN_TRY(auto copy, Database::open(partial_));
    copy_.emplace(std::move(copy));
    backup_ = sqlite3_backup_init(copy_->connection(), "main", source.connection(), "main");
    if (backup_ == nullptr) return std::unexpected(describe_failure(copy_->connection()));
    return {};
  }

  Status publish() {
    close_copy();  // SQLite has synced the file
    std::error_code error;
    if (fs::exists(path_, error)) return base::fail(Errc::already_exists, path_ + " is there already");
    fs::rename(partial_, path_, error);
    if (error) return base::fail_errno("Rename " + partial_, error.value());
    const auto directory = fs::path(path_).parent_path();
    return runtime::real::sync_directory(directory.empty() ? "." : directory.string());
  }

  void end(Status status) {
    close_copy();
    std::error_code ignored;
    if (!status && made_) fs::remove(partial_, ignored);
    result = std::move(status);
    ended.notify();
  }

  void close_copy() {
    if (backup_ != nullptr) sqlite3_backup_finish(std::exchange(backup_, nullptr));
    copy_.reset();
  }

  std::string path_;
  std::string partial_;
  bool made_ = false;  // the partial file is ours
  std::optional<Database> copy_;
  sqlite3_backup* backup_ = nullptr;
};

}  // namespace

runtime::Awaitable<Status> back_up_database(std::shared_ptr<MoveQueue> queue, std::string path) {
  auto backup = std::make_shared<Backup>(std::move(path));
  queue->add_chore(backup);
  while (!backup->result) co_await backup->ended.wait();
  co_return *backup->result;
}

}  // namespace footman::store
