#include "model/transitions.hpp"

#include <initializer_list>

namespace footman::model {
namespace {

template <class State>
bool is_one_of(State state, std::initializer_list<State> states) {
  for (State candidate : states)
    if (candidate == state) return true;
  return false;
}

}  // namespace

bool can_transition(AgentState from, AgentState to) {
  using enum AgentState;
  switch (from) {
    case planned:
      return is_one_of(to, {launching, terminating, terminated});  // no call was made yet
    // Straight to online: the agent was quicker than the answer of the cloud.
    case launching:
      return is_one_of(to, {connecting, online, draining, terminating, failed, lost});
    case connecting:
      return is_one_of(to, {online, draining, terminating, failed, lost});
    case online:
      return is_one_of(to, {draining, terminating, failed, lost});
    case draining:
      return is_one_of(to, {terminating, failed, lost});
    // Straight to terminated: a definite refusal, or the cloud has already said that the resource is gone.
    case failed:
    case lost:
      return is_one_of(to, {terminating, terminated});
    case terminating:
      return to == terminated;
    case terminated:
      return false;
  }
  return false;
}

bool can_transition(AssignmentState from, AssignmentState to) {
  using enum AssignmentState;
  switch (from) {
    case offered:
      return is_one_of(to, {accepted, revoked, lost});
    case accepted:
      return is_one_of(to, {started, revoked, lost});
    case started:
      return is_one_of(to, {finished, lost});  // never back to the queue
    case finished:
    case revoked:
    case lost:
      return false;
  }
  return false;
}

bool can_transition(BuildState from, BuildState to) {
  using enum BuildState;
  switch (from) {
    case queued:
      return is_one_of(to, {running, finished});  // finished: cancelled while it waited
    case running:
      return to == finished;
    case finished:
      return false;
  }
  return false;
}

bool can_transition(ItemState from, ItemState to) {
  using enum ItemState;
  switch (from) {
    case queued:
      return is_one_of(to, {pending, left});
    case pending:
      return is_one_of(to, {queued, left});  // queued: the offer was revoked or lost before Start
    case left:
      return false;
  }
  return false;
}

bool is_final(AgentState state) { return state == AgentState::terminated; }
bool is_final(AssignmentState state) {
  return is_one_of(state, {AssignmentState::finished, AssignmentState::revoked, AssignmentState::lost});
}
bool is_final(BuildState state) { return state == BuildState::finished; }
bool is_final(ItemState state) { return state == ItemState::left; }

}  // namespace footman::model
