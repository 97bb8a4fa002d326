#include <set>

#include "ecs/forms.hpp"
#include "ecs/problems.hpp"

namespace footman::ecs {
namespace {

constexpr std::uint32_t kMaxEbsGib = 65536;  // io2

void check_efs(const EfsVolume& efs, const std::string& field, const Surroundings& around,
               Problems& problems) {
  problems.add_if(around.windows, field, "Windows tasks cannot mount EFS");
  problems.add_if(around.external, field, "external instances cannot mount EFS");
  problems.add_if(!is_resource_id(efs.file_system_id, "fs-"), field + ".file_system_id",
                  "a file system's id was expected, like fs-0123456789abcdef0");
  const bool point = !efs.access_point_id.empty();
  problems.add_if(point && !is_resource_id(efs.access_point_id, "fsap-"), field + ".access_point_id",
                  "an access point's id was expected, like fsap-0123456789abcdef0");
  problems.add_if(!efs.root_directory.empty() && !is_absolute_path(efs.root_directory, false),
                  field + ".root_directory", "an absolute path was expected");
  problems.add_if(point && !efs.root_directory.empty() && efs.root_directory != "/",
                  field + ".root_directory", "the access point says where the root is: leave this out");
  problems.add_if(!efs.transit_encryption && (point || efs.iam), field + ".transit_encryption",
                  "access points and IAM need encryption in transit");
  problems.add_if(
      efs.transit_encryption_port > 65535 || (efs.transit_encryption_port != 0 && !efs.transit_encryption),
      field + ".transit_encryption_port", "a port of the encryption in transit was expected");
}

void check_ebs(const EbsVolume& ebs, const std::string& field, const Surroundings& around,
               Problems& problems) {
  problems.add_if(around.external, field, "external instances cannot have EBS volumes of a task");
  problems.add_if(around.fargate && around.windows, field, "Fargate's Windows tasks cannot have EBS volumes");
  check_role(ebs.role_arn, field + ".role_arn", around.partition, problems);
  problems.add_if(ebs.size_gib == 0 && ebs.snapshot_id.empty(), field + ".size_gib",
                  "a size or a snapshot was expected");
  problems.add_if(ebs.size_gib > kMaxEbsGib, field + ".size_gib", "at most 65536 GiB were expected");
  problems.add_if(!ebs.snapshot_id.empty() && !is_resource_id(ebs.snapshot_id, "snap-"),
                  field + ".snapshot_id", "a snapshot's id was expected, like snap-0123456789abcdef0");
  problems.add_if(ebs.initialization_rate != 0 && ebs.snapshot_id.empty(), field + ".initialization_rate",
                  "it is of a snapshot");
}

void check_one(const Volume& volume, const std::string& field, const Surroundings& around,
               Problems& problems) {
  const int kinds = int{!volume.host_path.empty()} + int{volume.efs.has_value()} +
                    int{volume.docker.has_value()} + int{volume.fsx_windows.has_value()} +
                    int{volume.ebs.has_value()};
  problems.add_if(kinds > 1, field, "a volume is one of host_path, efs, docker, fsx_windows and ebs");
  problems.add_if(!volume.host_path.empty() && !is_absolute_path(volume.host_path, around.windows),
                  field + ".host_path", "an absolute path was expected");
  problems.add_if(around.fargate && !volume.host_path.empty(), field + ".host_path",
                  "on Fargate there is no host whose folders could be mounted");
  if (volume.efs) check_efs(*volume.efs, field + ".efs", around, problems);
  if (volume.docker) {
    problems.add_if(around.fargate, field + ".docker", "Fargate has no Docker volumes");
    problems.add_if(volume.docker->autoprovision && volume.docker->scope == DockerVolumeScope::task,
                    field + ".docker.autoprovision", "it is of volumes with the scope 'shared'");
  }
  if (volume.fsx_windows) {
    const auto& fsx = *volume.fsx_windows;
    problems.add_if(around.fargate || !around.windows, field + ".fsx_windows", "it is for Windows on EC2");
    problems.add_if(!is_resource_id(fsx.file_system_id, "fs-") || fsx.root_directory.empty() ||
                        !find_arn(fsx.credentials_parameter) || fsx.domain.empty(),
                    field + ".fsx_windows",
                    "the file system's id, root directory, domain and the credentials' ARN were expected");
  }
  if (volume.ebs) check_ebs(*volume.ebs, field + ".ebs", around, problems);
}

}  // namespace

void check_volumes(const TemplateOptions& options, const Surroundings& around, Problems& problems) {
  std::set<std::string> names;
  std::size_t ebs = 0;
  for (std::size_t i = 0; i < options.volumes.size(); ++i) {
    const auto& volume = options.volumes[i];
    const auto field = fmt::format("volumes[{}]", i);
    problems.add_if(!is_ecs_name(volume.name), field + ".name",
                    "1 to 255 letters, digits, - and _ were expected");
    problems.add_if(!names.insert(volume.name).second, field + ".name", "another volume has this name");
    problems.add_if(around.inject && volume.name == kAgentVolume, field + ".name",
                    "this name is that of the agent's volume");
    problems.add_if(volume.ebs && ++ebs > 1, field + ".ebs", "a task can have one EBS volume");
    check_one(volume, field, around, problems);
  }
}

}  // namespace footman::ecs
