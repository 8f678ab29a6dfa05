/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diagnostics as a part of a larger XML document. */
#ifndef PVEFW_DIAG_XML_H
#define PVEFW_DIAG_XML_H

#include "diag/diag.h"
#include "base/xml_writer.h"

/* The element <diagnostics> of pvefw-diagnostics.rng. */
void diag_xml_list(struct xml_out *xml, const struct diags *diags);

#endif
