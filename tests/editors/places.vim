" SPDX-License-Identifier: GPL-2.0-or-later
" Writes how each place of the file `places` is shown in test.fw to the file `shown`.
let s:shown = []
for s:line in filter(readfile($PLACES), 'v:val !~# "^# "')
	let s:place = split(s:line, "\t")[0]
	call cursor(1, 1)
	let s:found = search('\C\M' . s:place, 'cW')
	let s:name = s:found ? synIDattr(synID(line('.'), col('.'), 1), 'name') : 'no such place'
	call add(s:shown, s:place . "\t" . (s:name ==# '' ? '-' : s:name))
endfor
call add(s:shown, 'filetype ' . &filetype)
call writefile(s:shown, $SHOWN)
quitall!
