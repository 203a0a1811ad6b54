#!/usr/bin/env node
import '../dist/conetd/main.js'
