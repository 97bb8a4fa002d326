// footman: command line and server.
#include "apps/footman/aws_access.hpp"
#include "apps/footman/doctor.hpp"
#include "apps/footman/image.hpp"
#include "apps/footman/server.hpp"
#include "apps/footman/simulate.hpp"
#include "cli/cli.hpp"
#include "net/process.hpp"

int main(int argc, char** argv) {
  footman::net::init_process();
  return footman::cli::run({argv, argv + argc}, {.up = footman::app::run_server,
                                                 .simulate = footman::app::simulate,
                                                 .push_image = footman::app::push_image,
                                                 .save_image = footman::app::save_image,
                                                 .doctor = footman::app::run_doctor,
                                                 .discover = footman::app::discover,
                                                 .find_region = footman::app::find_region});
}
