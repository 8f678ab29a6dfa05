// SPDX-License-Identifier: GPL-2.0-or-later
// What html-validate is to ask of the page: all of the standard; but the page is XML, too.
module.exports = {
	root: true,
	extends: ['html-validate:standard', 'html-validate:document', 'html-validate:a11y'],
	rules: {
		'void-style': ['error', { style: 'selfclosing' }],
		'attribute-boolean-style': ['error', { style: 'empty' }],
	},
};
