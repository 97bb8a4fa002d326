// A Jenkins as a test tells it, called "ci".
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ports/jenkins_desk.hpp"

namespace footman::api::testing {

class ScriptedDesk final : public ports::JenkinsDesk {
 public:
  ScriptedDesk() {
    status.name = base::ControllerName("ci");
    status.url = "https://jenkins.example.com/";
    status.reach = "well";
    status.since = base::Instant{1'000'000};
    status.tells_labels = true;
  }
  std::vector<ports::JenkinsStatus> list() const override { return {status}; }
  runtime::Awaitable<base::Result<std::size_t>> detach(base::ControllerName name) override {
    if (name != status.name) co_return base::fail(base::Errc::not_found, "There is no Jenkins " + name.str());
    status.detached = true;
    co_return std::size_t{4};
  }

  ports::JenkinsItem& add_item(std::string title, std::string verdict, std::string text) {
    ports::JenkinsItem item;
    item.title = std::move(title);
    item.since = base::Instant{1'000'000};
    item.verdict = std::move(verdict);
    item.text = std::move(text);
    return status.items.emplace_back(std::move(item));
  }

  ports::JenkinsStatus status;
};

}  // namespace footman::api::testing
