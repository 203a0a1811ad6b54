#!/usr/bin/env node
import '../dist/guardian/main.js'
