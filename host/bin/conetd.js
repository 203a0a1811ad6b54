#!/usr/bin/env node
// Made by `npm run build`.
import '../dist/programs/conetd.js'
