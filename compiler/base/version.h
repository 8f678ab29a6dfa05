/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The version of all programs; a package may set another. */
#ifndef PVEFW_VERSION
#define PVEFW_VERSION "0.2.0"
#endif
