// Compiles the contracts on their own: each header must stand alone.
#include "ports/cloud_provider.hpp"
#include "ports/controller_port.hpp"
#include "ports/identity_proof.hpp"
#include "ports/last_lines.hpp"
#include "ports/log_store.hpp"
