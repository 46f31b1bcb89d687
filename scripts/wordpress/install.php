<?php
// Installs the WordPress of scripts/wordpress.sh and prints its accounts with their application passwords.
$connection = mysqli_init();
mysqli_real_connect($connection, 'localhost', 'root', '', '', 0, getenv('SWITCHHOOK_WP_SOCKET'));
mysqli_query($connection, 'CREATE DATABASE wordpress CHARACTER SET utf8mb4');
mysqli_close($connection);

define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = parse_url(getenv('SWITCHHOOK_WP_URL'), PHP_URL_HOST);
$_SERVER['REQUEST_URI'] = '/';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
require $argv[1] . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
// The site must not write mail that it is there.
add_filter('pre_wp_mail', '__return_true');
wp_install('Loopback', 'editor-in-chief', 'chief@example.test', false, '', wp_generate_password());
add_theme_support('post-thumbnails');
update_option('timezone_string', 'Pacific/Auckland'); // far from UTC, so that mistakes with times show
switch_theme('plain');
global $wp_rewrite;
$wp_rewrite->set_permalink_structure('/%postname%/');
$wp_rewrite->flush_rules(false);

function print_account($prefix, $user) {
    list($password) = WP_Application_Passwords::create_new_application_password($user->ID, array('name' => 'Switchhook'));
    echo "{$prefix}user={$user->user_login}\n{$prefix}password=" . WP_Application_Passwords::chunk_password($password) . "\n";
}
print_account('', get_user_by('login', 'editor-in-chief'));
foreach (array('author', 'contributor') as $role) {
    $id = wp_insert_user(array('user_login' => $role, 'user_pass' => wp_generate_password(), 'user_email' => "$role@example.test", 'role' => $role));
    print_account("$role.", get_user_by('id', $id));
}
