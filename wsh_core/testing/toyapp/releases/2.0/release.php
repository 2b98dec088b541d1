<?php
const RELEASE = '@VERSION@';
const SCHEMA = 3;
