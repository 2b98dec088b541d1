#!/bin/sh
# Runs on the server: what an administrator types to add a static site, with the same test of the configuration.
# $1 account, $2 key, $3 domain, $4 a virtual host of wsh's to copy
set -e
site=/home/$1/sites/$2
mkdir "$site" "$site/app"
chown "$1:$1" "$site" "$site/app"
chmod 0750 "$site" "$site/app"
setfacl -m u:www-data:--x -d -m u::rwx,u:www-data:r-x,g::r-x,o::--- "$site"
setfacl -m u:www-data:r-x -d -m u::rwx,u:www-data:r-x,g::r-x,o::--- "$site/app"
tls=/var/lib/wsh/tls/$1-$2
mkdir "$tls"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 397 -subj / -addext "subjectAltName=DNS:$3" \
  -CA /var/lib/wsh/ca/ca.pem -CAkey /var/lib/wsh/ca/ca.key -keyout "$tls/key.pem" -out "$tls/cert.pem" 2>/dev/null
old=$(basename "$4" .conf)
sed -e "s/$old/$1-$2/g" -e "s/^\( *Server\(Name\|Alias\)\) .*/\1 $3/" -e "s#/sites/${old#*-}/#/sites/$2/#g" "$4" >"/etc/apache2/wsh/sites/$1-$2.conf"
unshare -n -m --propagation private sh -ec '
  ip link set lo up
  mkdir -p /run/wsh/raw; . /etc/apache2/envvars
  export APACHE_RUN_DIR=/run/wsh/raw APACHE_LOCK_DIR=/run/wsh/raw APACHE_PID_FILE=/run/wsh/raw/pid APACHE_LOG_DIR=/run/wsh/raw
  apache2 -DFOREGROUND & pid=$!
  n=0; until curl -sk -o /dev/null https://127.0.0.1/; do n=$((n+1)); [ $n -lt 100 ]; sleep 0.02; done
  kill $pid; wait $pid || true'
systemctl reload apache2
