#!/usr/bin/env node
import '../dist/programs/conetd.js'
