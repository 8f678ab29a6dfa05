" SPDX-License-Identifier: GPL-2.0-or-later
" Which files are firewall files of Proxmox VE.
autocmd BufNewFile,BufRead */firewall/*.fw,cluster.fw,host.fw,[1-9][0-9]*.fw setfiletype pvefw
autocmd BufNewFile,BufRead *.fwtest setfiletype fwtest
