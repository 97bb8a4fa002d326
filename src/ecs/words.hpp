// The API's enumerations that options use, with AWS' own words. Source: the ECS API reference, 2014-11-13.
// find_value(kNetworkModes, "awsvpc") and get_word() of model/words.hpp read and write them.
#pragma once

#include <span>

#include "model/words.hpp"

namespace footman::ecs {

using model::Word;

enum class LaunchType { fargate, ec2, external };
inline constexpr Word<LaunchType> kLaunchTypes[] = {
    {LaunchType::fargate, "FARGATE"}, {LaunchType::ec2, "EC2"}, {LaunchType::external, "EXTERNAL"}};

// What a task definition is checked for when it is registered.
enum class Compatibility { fargate, ec2, external, managed_instances };
inline constexpr Word<Compatibility> kCompatibilities[] = {
    {Compatibility::fargate, "FARGATE"},
    {Compatibility::ec2, "EC2"},
    {Compatibility::external, "EXTERNAL"},
    {Compatibility::managed_instances, "MANAGED_INSTANCES"}};

enum class OsFamily {
  linux_,  // NOLINT(readability-identifier-naming): "linux" is a macro of some compilers
  windows_2016_full,
  windows_2019_core,
  windows_2019_full,
  windows_2004_core,
  windows_20h2_core,
  windows_2022_core,
  windows_2022_full,
  windows_2025_core,
  windows_2025_full,
};
inline constexpr Word<OsFamily> kOsFamilies[] = {{OsFamily::linux_, "LINUX"},
                                                 {OsFamily::windows_2016_full, "WINDOWS_SERVER_2016_FULL"},
                                                 {OsFamily::windows_2019_core, "WINDOWS_SERVER_2019_CORE"},
                                                 {OsFamily::windows_2019_full, "WINDOWS_SERVER_2019_FULL"},
                                                 {OsFamily::windows_2004_core, "WINDOWS_SERVER_2004_CORE"},
                                                 {OsFamily::windows_20h2_core, "WINDOWS_SERVER_20H2_CORE"},
                                                 {OsFamily::windows_2022_core, "WINDOWS_SERVER_2022_CORE"},
                                                 {OsFamily::windows_2022_full, "WINDOWS_SERVER_2022_FULL"},
                                                 {OsFamily::windows_2025_core, "WINDOWS_SERVER_2025_CORE"},
                                                 {OsFamily::windows_2025_full, "WINDOWS_SERVER_2025_FULL"}};
constexpr bool is_windows(OsFamily os) { return os != OsFamily::linux_; }

enum class CpuArchitecture { x86_64, arm64 };
inline constexpr Word<CpuArchitecture> kCpuArchitectures[] = {{CpuArchitecture::x86_64, "X86_64"},
                                                              {CpuArchitecture::arm64, "ARM64"}};

enum class NetworkMode { awsvpc, bridge, host, none };
inline constexpr Word<NetworkMode> kNetworkModes[] = {{NetworkMode::awsvpc, "awsvpc"},
                                                      {NetworkMode::bridge, "bridge"},
                                                      {NetworkMode::host, "host"},
                                                      {NetworkMode::none, "none"}};

enum class PidMode { host, task };
inline constexpr Word<PidMode> kPidModes[] = {{PidMode::host, "host"}, {PidMode::task, "task"}};

enum class IpcMode { host, task, none };
inline constexpr Word<IpcMode> kIpcModes[] = {
    {IpcMode::host, "host"}, {IpcMode::task, "task"}, {IpcMode::none, "none"}};

enum class PortProtocol { tcp, udp };
inline constexpr Word<PortProtocol> kPortProtocols[] = {{PortProtocol::tcp, "tcp"},
                                                        {PortProtocol::udp, "udp"}};

enum class DevicePermission { read, write, mknod };
inline constexpr Word<DevicePermission> kDevicePermissions[] = {
    {DevicePermission::read, "read"}, {DevicePermission::write, "write"}, {DevicePermission::mknod, "mknod"}};

enum class DependencyCondition { start, complete, success, healthy };
inline constexpr Word<DependencyCondition> kDependencyConditions[] = {
    {DependencyCondition::start, "START"},
    {DependencyCondition::complete, "COMPLETE"},
    {DependencyCondition::success, "SUCCESS"},
    {DependencyCondition::healthy, "HEALTHY"}};

enum class UlimitName {
  core,
  cpu,
  data,
  fsize,
  locks,
  memlock,
  msgqueue,
  nice,
  nofile,
  nproc,
  rss,
  rtprio,
  rttime,
  sigpending,
  stack
};
inline constexpr Word<UlimitName> kUlimitNames[] = {
    {UlimitName::core, "core"},         {UlimitName::cpu, "cpu"},
    {UlimitName::data, "data"},         {UlimitName::fsize, "fsize"},
    {UlimitName::locks, "locks"},       {UlimitName::memlock, "memlock"},
    {UlimitName::msgqueue, "msgqueue"}, {UlimitName::nice, "nice"},
    {UlimitName::nofile, "nofile"},     {UlimitName::nproc, "nproc"},
    {UlimitName::rss, "rss"},           {UlimitName::rtprio, "rtprio"},
    {UlimitName::rttime, "rttime"},     {UlimitName::sigpending, "sigpending"},
    {UlimitName::stack, "stack"}};

enum class LogDriver { awslogs, awsfirelens, splunk, json_file, syslog, journald, gelf, fluentd };
inline constexpr Word<LogDriver> kLogDrivers[] = {
    {LogDriver::awslogs, "awslogs"}, {LogDriver::awsfirelens, "awsfirelens"},
    {LogDriver::splunk, "splunk"},   {LogDriver::json_file, "json-file"},
    {LogDriver::syslog, "syslog"},   {LogDriver::journald, "journald"},
    {LogDriver::gelf, "gelf"},       {LogDriver::fluentd, "fluentd"}};

enum class FirelensType { fluentbit, fluentd };
inline constexpr Word<FirelensType> kFirelensTypes[] = {{FirelensType::fluentbit, "fluentbit"},
                                                        {FirelensType::fluentd, "fluentd"}};

enum class DockerVolumeScope { task, shared };
inline constexpr Word<DockerVolumeScope> kDockerVolumeScopes[] = {{DockerVolumeScope::task, "task"},
                                                                  {DockerVolumeScope::shared, "shared"}};

enum class FileSystemType { ext3, ext4, xfs, ntfs };
inline constexpr Word<FileSystemType> kFileSystemTypes[] = {{FileSystemType::ext3, "ext3"},
                                                            {FileSystemType::ext4, "ext4"},
                                                            {FileSystemType::xfs, "xfs"},
                                                            {FileSystemType::ntfs, "ntfs"}};

enum class PlacementStrategyType { random, spread, binpack };
inline constexpr Word<PlacementStrategyType> kPlacementStrategyTypes[] = {
    {PlacementStrategyType::random, "random"},
    {PlacementStrategyType::spread, "spread"},
    {PlacementStrategyType::binpack, "binpack"}};

enum class PlacementConstraintType { distinct_instance, member_of };
inline constexpr Word<PlacementConstraintType> kPlacementConstraintTypes[] = {
    {PlacementConstraintType::distinct_instance, "distinctInstance"},
    {PlacementConstraintType::member_of, "memberOf"}};

// SERVICE is refused by RunTask.
enum class PropagateTags { task_definition, none };
inline constexpr Word<PropagateTags> kPropagateTags[] = {{PropagateTags::task_definition, "TASK_DEFINITION"},
                                                         {PropagateTags::none, "NONE"}};

// Ours, in AWS' style.
enum class CapacityKind {
  launch_type,      // of `launch_type`
  strategy,         // of the capacity providers named
  cluster_default,  // the cluster's own default strategy
};
inline constexpr Word<CapacityKind> kCapacityKinds[] = {{CapacityKind::launch_type, "launch_type"},
                                                        {CapacityKind::strategy, "strategy"},
                                                        {CapacityKind::cluster_default, "cluster_default"}};

enum class AgentDelivery {
  inject,  // an init container copies it into a volume that the image's container mounts
  image,   // the image holds it
};
inline constexpr Word<AgentDelivery> kAgentDeliveries[] = {{AgentDelivery::inject, "inject"},
                                                           {AgentDelivery::image, "image"}};

// Their tables, by type: words_of(NetworkMode{}).
template <class E>
using Words = std::span<const Word<E>>;
constexpr Words<LaunchType> words_of(LaunchType) { return kLaunchTypes; }
constexpr Words<Compatibility> words_of(Compatibility) { return kCompatibilities; }
constexpr Words<OsFamily> words_of(OsFamily) { return kOsFamilies; }
constexpr Words<CpuArchitecture> words_of(CpuArchitecture) { return kCpuArchitectures; }
constexpr Words<NetworkMode> words_of(NetworkMode) { return kNetworkModes; }
constexpr Words<PidMode> words_of(PidMode) { return kPidModes; }
constexpr Words<IpcMode> words_of(IpcMode) { return kIpcModes; }
constexpr Words<PortProtocol> words_of(PortProtocol) { return kPortProtocols; }
constexpr Words<DevicePermission> words_of(DevicePermission) { return kDevicePermissions; }
constexpr Words<DependencyCondition> words_of(DependencyCondition) { return kDependencyConditions; }
constexpr Words<UlimitName> words_of(UlimitName) { return kUlimitNames; }
constexpr Words<LogDriver> words_of(LogDriver) { return kLogDrivers; }
constexpr Words<FirelensType> words_of(FirelensType) { return kFirelensTypes; }
constexpr Words<DockerVolumeScope> words_of(DockerVolumeScope) { return kDockerVolumeScopes; }
constexpr Words<FileSystemType> words_of(FileSystemType) { return kFileSystemTypes; }
constexpr Words<PlacementStrategyType> words_of(PlacementStrategyType) { return kPlacementStrategyTypes; }
constexpr Words<PlacementConstraintType> words_of(PlacementConstraintType) {
  return kPlacementConstraintTypes;
}
constexpr Words<PropagateTags> words_of(PropagateTags) { return kPropagateTags; }
constexpr Words<CapacityKind> words_of(CapacityKind) { return kCapacityKinds; }
constexpr Words<AgentDelivery> words_of(AgentDelivery) { return kAgentDeliveries; }

}  // namespace footman::ecs
