// The double's objects as Jenkins' JSON shows them: which members, in which order, and what a missing right
// hides.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "tests/jenkins/exports.hpp"
#include "tests/jenkins/fake_jenkins.hpp"

namespace footman::fake_jenkins {

bool has_right(const Rights& rights, Right right);

class Views {
 public:
  Views(const FakeJenkins& jenkins, const Rights& rights, Language language)
      : jenkins_(jenkins), rights_(rights), language_(language) {}

  boost::json::value show_root(const Selection& asked) const;
  boost::json::value show_queue(const Selection& asked) const;
  boost::json::value show_item(const QueueItem& item, const Selection& asked) const;
  boost::json::value show_computers(const Selection& asked) const;
  boost::json::value show_computer(const Computer& computer, const Selection& asked) const;
  boost::json::value show_built_in(const Selection& asked) const;
  boost::json::value show_label(const Label& label, const Selection& asked) const;
  boost::json::value show_job(const Job& job, const Selection& asked) const;
  boost::json::value show_run(const Run& run, const Selection& asked) const;

  // "job/team/job/nested%20job/"
  static std::string path_of(std::string_view job);
  // "team » nested job"
  static std::string display_name_of(std::string_view job);
  static std::string class_of(Job::Kind kind);
  static std::string run_class_of(Job::Kind kind);

 private:
  boost::json::value show_task(const QueueItem& item, const Selection& asked) const;
  boost::json::value show_executable(const Task& task, int number, const Selection& asked) const;
  boost::json::value show_executor(const std::optional<Execution>& slot, std::size_t number,
                                   const Selection& asked) const;
  boost::json::value show_run_or_null(const Run* run, const Selection& asked) const;
  boost::json::value show_actions(const std::vector<std::string>& users, const Fields& parameters,
                                  const Selection& asked, bool of_run) const;
  void add_queue_members(Export& out, const Job& job) const;
  std::string color_of(const Job& job) const;
  std::int64_t ms(base::Instant instant) const;
  std::vector<const Run*> runs_of(const std::string& job) const;  // the newest first
  const QueueItem* item_of(const std::string& job) const;

  const FakeJenkins& jenkins_;
  const Rights& rights_;
  Language language_;
};

}  // namespace footman::fake_jenkins
