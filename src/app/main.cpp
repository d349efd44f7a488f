#include "app/cli.hpp"

int main(int argc, char** argv) { return fairing::app::cli_main({argv + 1, argv + argc}); }
