#!/usr/bin/env node
import '../dist/scaffold/main.js'
