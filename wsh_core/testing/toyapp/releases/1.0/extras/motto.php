<?php
return 'Small is beautiful.';
